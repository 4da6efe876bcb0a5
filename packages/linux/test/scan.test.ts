import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, describe, test } from 'node:test';
import { comparePaths, encodeObject, parseObject, type BaselineObject } from '@assay/core/baseline';
import { scanTree, type ScannedPath } from '@assay/linux/scan';
import { TreeWalk } from '@assay/linux/tree';
import { setXattr } from '@assay/linux/xattr';

const directory = mkdtempSync(join(tmpdir(), 'assay-scan-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const isRoot = process.geteuid?.() === 0;
const skip = isRoot ? false : 'only root makes devices and sets security attributes: run the tests as root';
let trees = 0;

function tree(): string {
  const root = join(directory, String((trees += 1)));
  mkdirSync(root);
  return root;
}

async function scanned(root: string, before: readonly BaselineObject[] = [], fast = false): Promise<ScannedPath[]> {
  const walk = new TreeWalk({ include: [], exclude: [], oneFileSystem: false });
  const found = walk.everything([Buffer.from(root)]);
  const all: ScannedPath[] = [];
  for await (const each of scanTree(found, before.values(), { algorithm: 'sha256', fast, threads: 2 })) all.push(each);
  return all;
}

async function objects(root: string): Promise<BaselineObject[]> {
  return (await scanned(root)).flatMap(({ after: object }) => (object === undefined ? [] : [object]));
}

async function objectAt(path: string): Promise<BaselineObject> {
  const [object] = await objects(path);
  assert.ok(object !== undefined);
  return object;
}

describe('scanTree', () => {
  test('gives every path once, in order, and lines that are read back', async () => {
    const root = tree();
    for (const name of ['b', 'a', 'a-', 'a!', 'dir/x', 'dir/y/z', 'dir.']) {
      mkdirSync(join(root, name, '..'), { recursive: true });
      writeFileSync(join(root, name), name);
    }
    const found = await objects(root);
    assert.deepEqual(
      found.map(({ path }) => relative(root, path)),
      ['', 'a', 'a!', 'a-', 'b', 'dir', 'dir/x', 'dir/y', 'dir/y/z', 'dir.'],
    );
    assert.deepEqual(
      found.map(({ path }) => path).toSorted(comparePaths),
      found.map(({ path }) => path),
    );
    for (const object of found) assert.equal(encodeObject(parseObject(encodeObject(object))), encodeObject(object));
  });

  test('gives digests, modes and times as sha256sum and stat do', async () => {
    const root = tree();
    const file = join(root, 'file');
    writeFileSync(file, 'content\n');
    chmodSync(file, 0o4711);
    const found = await objectAt(file);
    const sum = execFileSync('sha256sum', [file], { encoding: 'utf8' }).slice(0, 64);
    const stat = execFileSync('stat', ['-c', '%a %u %g %s %h %i %.9Y %.9Z', file], { encoding: 'utf8' }).trim();
    const { mode, uid, gid, size, links, inode, mtime, ctime } = found;
    assert.equal(found.digest, `sha256:${sum}`);
    assert.equal([mode.toString(8), uid, gid, size, links, inode, mtime, ctime].join(' '), stat);
  });

  test('gives names that are no text', async () => {
    const root = tree();
    const names = ['\n', '\u001b[31m', '\\', ' ', '"', '\u202e'].map((name) => Buffer.from(name));
    for (const name of [...names, Buffer.from([0xff, 0xfe])]) {
      writeFileSync(Buffer.concat([Buffer.from(`${root}/`), name]), '');
    }
    const found = await objects(root);
    assert.equal(found.length, 8);
    for (const object of found) assert.deepEqual(parseObject(encodeObject(object)), object);
  });

  test('gives the first name of a file with every other one, and its content with all', async () => {
    const root = tree();
    writeFileSync(join(root, 'a'), 'shared');
    for (const name of ['b', 'c']) linkSync(join(root, 'a'), join(root, name));
    const [, a, ...more] = await objects(root);
    assert.deepEqual([a?.links, a?.sameAs], [3, undefined]);
    assert.deepEqual(
      more.map(({ sameAs, digest }) => [sameAs, digest]),
      more.map(() => [a?.path, a?.digest]),
    );
  });

  test('gives links and special files without opening them', async () => {
    const root = tree();
    symlinkSync('nowhere\n', join(root, 'link'));
    execFileSync('mkfifo', [join(root, 'pipe')]);
    const server = createServer().listen(join(root, 'socket'));
    await new Promise((resolve) => server.once('listening', resolve));
    const found = await objects(root);
    server.close();
    assert.deepEqual(
      found.map(({ type, target }) => [type, target]),
      [
        ['directory', undefined],
        ['link', 'nowhere\n'],
        ['fifo', undefined],
        ['socket', undefined],
      ],
    );
  });

  test('gives devices with their numbers, and security attributes of all that can have them', { skip }, async () => {
    const root = tree();
    execFileSync('mknod', [join(root, 'device'), 'c', '1', '3']);
    symlinkSync('x', join(root, 'link'));
    for (const name of ['', 'device', 'link']) {
      setXattr(Buffer.from(join(root, name)), 'security.assay', Buffer.from(name));
    }
    setXattr(Buffer.from(root), 'security.long', Buffer.alloc(300));
    const [top, device, link] = await objects(root);
    assert.equal(device?.device, '1:3');
    assert.deepEqual(device?.xattrs, [['security.assay', Buffer.from('device').toString('hex')]]);
    assert.deepEqual(link?.xattrs, [['security.assay', Buffer.from('link').toString('hex')]]);
    const [, long] = top?.xattrs ?? [];
    assert.match(long?.[1] ?? '', /^sha256:[0-9a-f]{64}$/);
  });

  test('pairs what is there with a baseline, and gives what is gone', async () => {
    const root = tree();
    for (const name of ['a', 'b', 'c']) writeFileSync(join(root, name), name);
    const before = await objects(root);
    renameSync(join(root, 'b'), join(root, 'bb'));
    const pairs = await scanned(root, before);
    assert.deepEqual(
      pairs.map(({ path, before: old, after: now }) => [relative(root, path), old !== undefined, now !== undefined]),
      [
        ['', true, true],
        ['a', true, true],
        ['b', true, false],
        ['bb', false, true],
        ['c', true, true],
      ],
    );
  });

  test('reads again, when fast, only what its inode says is changed: content behind the same times stays unseen', async () => {
    const root = tree();
    for (const name of ['kept', 'grown', 'touched']) writeFileSync(join(root, name), name);
    const before = await objects(root);
    // No file changes here; the baseline does, as if the content had been another with the same inode, size and times.
    const other = before.map((each) =>
      each.digest === undefined ? each : { ...each, digest: `sha256:${'00'.repeat(32)}` },
    );
    appendFileSync(join(root, 'grown'), 'more');
    utimesSync(join(root, 'touched'), 1, 1);
    const fast = await scanned(root, other, true);
    const full = await scanned(root, other);
    const differing = (all: readonly ScannedPath[]): string[] =>
      all.flatMap(({ path, before: old, after: now }) => (old?.digest === now?.digest ? [] : [relative(root, path)]));
    assert.deepEqual(differing(fast), ['grown', 'touched']);
    assert.deepEqual(differing(full), ['grown', 'kept', 'touched']);
  });

  test('says of a file that never stands still that it is not known', async () => {
    const root = tree();
    const file = join(root, 'busy');
    writeFileSync(file, '');
    truncateSync(file, 64 * 1024 * 1024); // Large files are read in many turns, between which it is touched.
    let turn = 0;
    let timer = setImmediate(function touch() {
      utimesSync(file, 1, (turn += 1));
      timer = setImmediate(touch);
    });
    const found = await objectAt(file);
    clearImmediate(timer);
    assert.deepEqual([found.unread, found.digest], ['FILE-CHANGING', undefined]);
    assert.ok(turn > 0);
  });
});

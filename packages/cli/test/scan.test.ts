import assert from 'node:assert/strict';
import {
  appendFileSync,
  chmodSync,
  linkSync,
  lstatSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { setXattr } from '@assay/linux/xattr';
import { assay, assertFails, isRoot, launch, NOBODY, ordinaryUser, scratch, UNSAFE } from './assay.ts';
import { checked, created, documentOf, run, setup, told } from './scan-trees.ts';

const skip = isRoot ? false : 'only root makes devices and writes security.*';

function keyPair(directory: string, name: string): { key: string; pub: string } {
  const [key, pub] = [join(directory, `${name}.pem`), join(directory, `${name}.pub`)];
  run(directory, 'openssl', 'genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', key);
  run(directory, 'openssl', 'pkey', '-in', key, '-pubout', '-out', pub);
  return { key, pub };
}

describe('assay scan', () => {
  test('finds nothing where nothing changed, and says who signed', async (t) => {
    const made = setup(t);
    const { key, pub } = keyPair(made.directory, 'signer');
    await created(made, '--key', key);
    const { code, schema, differences, baselines } = await checked(made.baseline, '--public-key', pub);
    assert.deepEqual({ code, schema, differences }, { code: 0, schema: 'assay.scan-check.v1', differences: 0 });
    assert.deepEqual(baselines[0]?.signed, [baselines[0]?.verified]);
    const { stdout } = await assay(['scan', 'check', made.baseline, '--public-key', pub]);
    assert.match(
      stdout,
      /^no difference since \S+ in 7 objects\n.* is signed by the key [0-9a-f]{8}, which was given\n$/,
    );
  });

  test('finds every kind of difference', { skip }, async (t) => {
    const made = setup(t);
    const { tree, baseline } = made;
    for (const name of ['mode', 'owner', 'xattr', 'linked', 'touched', 'type']) writeFileSync(join(tree, name), name);
    await created(made);
    appendFileSync(join(tree, 'a'), 'more');
    chmodSync(join(tree, 'mode'), 0o4755);
    run(tree, 'chown', '12:34', 'owner');
    setXattr(Buffer.from(join(tree, 'xattr')), 'security.assay', Buffer.from('x'));
    linkSync(join(tree, 'linked'), join(tree, 'name'));
    utimesSync(join(tree, 'touched'), 1, 1);
    unlinkSync(join(tree, 'type'));
    symlinkSync('a', join(tree, 'type'));
    unlinkSync(join(tree, 'link'));
    symlinkSync('b', join(tree, 'link'));
    renameSync(join(tree, 'b'), join(tree, 'sub/moved'));
    unlinkSync(join(tree, 'sub/c'));
    run(tree, 'mknod', 'device', 'c', '1', '3');
    const found = await checked(baseline);
    assert.equal(found.code, 1);
    assert.deepEqual(told(found, tree).toSorted(), [
      'added device',
      'added name',
      'changed a content',
      'changed link target',
      'changed linked links',
      'changed mode mode',
      'changed owner owner group',
      'changed type type',
      'changed xattr xattrs',
      'moved sub/moved',
      'removed sub/c',
    ]);
    assert.equal(found.drift.find(({ kind }) => kind === 'moved')?.from, join(tree, 'b'));
    const times = await checked(baseline, '--times');
    assert.ok(told(times, tree).includes('changed touched mtime'));
  });

  test('does not trust a baseline that was changed, cut, signed by another, or whose signature is gone', async (t) => {
    const made = setup(t);
    const { directory, baseline } = made;
    const [signer, other] = [keyPair(directory, 'signer'), keyPair(directory, 'other')];
    await created(made, '--key', signer.key);
    const text = readFileSync(baseline, 'utf8');
    const lines = text.trimEnd().split('\n');
    const cases: readonly (readonly [string, string, string, number])[] = [
      [text.replace('"size":1', '"size":2'), signer.pub, 'BASELINE-DIGEST', 1],
      [lines.slice(0, -2).join('\n'), signer.pub, 'BASELINE-FORM', 3],
      [`${lines.slice(0, -1).join('\n')}\n`, signer.pub, 'BASELINE-SIGNATURE', 1],
      [text, other.pub, 'BASELINE-SIGNATURE', 1],
      ['', signer.pub, 'BASELINE-FORM', 3],
    ];
    for (const [content, key, error, code] of cases) {
      writeFileSync(baseline, content);
      await assertFails(['scan', 'check', baseline, '--public-key', key], { code: error, exit: code });
    }
  });

  test('takes no private key, directory or pipe for what it reads', async (t) => {
    const made = setup(t);
    const { key } = keyPair(made.directory, 'signer');
    await created(made);
    await assertFails(['scan', 'check', made.baseline, '--public-key', key], { code: 'PEM-FORM', exit: 3 });
    run(made.directory, 'mkfifo', 'pipe');
    for (const path of [join(made.directory, 'pipe'), made.tree]) {
      await assertFails(['scan', 'show', path], { code: 'INPUT-FILE', exit: 3 });
    }
  });

  test('shows names that a terminal would obey escaped, in text and JSON', async (t) => {
    const made = setup(t);
    await created(made);
    rmSync(join(made.tree, 'sub/\u001b[31mred\n'));
    for (const format of ['text', 'json', 'jsonl']) {
      const { code, stdout } = await assay(['scan', 'check', made.baseline, '-o', format]);
      assert.equal(code, 1);
      assert.match(stdout, /x1b\[31mred/);
      assert.ok(!UNSAFE.test(stdout));
    }
  });

  test('says with --fast what it does not see, and finds what moves an inode', async (t) => {
    const made = setup(t);
    await created(made);
    appendFileSync(join(made.tree, 'a'), 'more');
    const { code, stdout } = await assay(['scan', 'check', made.baseline, '--fast']);
    assert.equal(code, 1);
    assert.match(
      stdout,
      /^1 difference since .*\nfast: files with the same inode, size, mtime and ctime were not read; /s,
    );
    assert.match(stdout, /high +changed +\S+\/a +content\n$/);
  });

  test('honours includes and excludes, of the baseline too when it checks', async (t) => {
    const made = setup(t);
    await created(made, '--exclude', 'sub', '--include', '[ab]');
    writeFileSync(join(made.tree, 'sub/new'), '');
    writeFileSync(join(made.tree, 'c'), '');
    assert.equal((await checked(made.baseline)).code, 0);
    const shown = await assay(['scan', 'show', made.baseline]);
    assert.match(shown.stdout, /\nonly +\[ab\]\nwithout +sub\n.*\nobjects +3: 1 directory, 2 file\n/s);
  });

  test('writes no baseline into its own tree, or of a tree twice', async (t) => {
    const { tree } = setup(t);
    const inside = join(tree, 'baseline');
    for (const words of [
      [tree, '--out', inside],
      [tree, join(tree, 'sub'), '--out', '/dev/null'],
    ]) {
      await assertFails(['scan', 'create', ...words], { code: 'USAGE', exit: 2 });
    }
    assert.ok(!readdirSync(tree).includes('baseline'));
    const beside = join(tree, 'sub/baseline');
    const { code } = await assay(['scan', 'create', tree, '--out', beside, '--exclude', join(tree, 'sub')]);
    assert.equal(code, 0);
    assert.equal((await checked(beside)).code, 0);
  });

  test('tells an ordinary user what could not be read, and calls nothing below it removed', { skip }, async (t) => {
    const made = setup(t);
    const options = ordinaryUser(t);
    for (const path of [made.directory, made.tree]) chmodSync(path, 0o755);
    await created(made);
    chmodSync(made.baseline, 0o644);
    chmodSync(join(made.tree, 'sub'), 0o700);
    chmodSync(join(made.tree, 'a'), 0o600);
    await created(made);
    chmodSync(made.baseline, 0o644);
    const ended = await assay(['scan', 'check', made.baseline, '-o', 'json'], options);
    const found = documentOf(ended);
    assert.equal(ended.code, 5);
    assert.deepEqual(told(found, made.tree), [
      'unknown a',
      'unknown sub',
      'unknown sub/\\x1b[31mred\\x0a',
      'unknown sub/c',
    ]);
    const out = join(scratch(t, NOBODY), 'baseline');
    const own = await assay(['scan', 'create', made.tree, '--out', out], options);
    assert.equal(own.code, 5);
    assert.match(
      own.stdout,
      /2 could not be read, and are not covered:\n {2}\S+\/a {2}NOT-PERMITTED\n {2}\S+\/sub {2}NOT-PERMITTED\n$/,
    );
  });

  test('ends with 130 on SIGINT, and leaves the old baseline', async (t) => {
    const made = setup(t);
    await created(made);
    const before = readFileSync(made.baseline);
    const huge = join(made.tree, 'huge');
    writeFileSync(huge, '');
    truncateSync(huge, 64 * 1024 * 1024 * 1024); // Longer than anybody waits.
    const { child, ended } = launch(['scan', 'create', made.tree, '--out', made.baseline]);
    const beside = (): boolean => readdirSync(made.directory).some((name) => name.startsWith('.baseline.'));
    while (!beside()) await new Promise((resolve) => setTimeout(resolve, 20));
    truncateSync(huge, 0);
    child.kill('SIGINT');
    const { code } = await ended;
    assert.equal(code, 130);
    assert.deepEqual(readFileSync(made.baseline), before);
    assert.ok(!beside());
  });

  test('compares two baselines', async (t) => {
    const made = setup(t);
    await created(made);
    const second = { ...made, baseline: join(made.directory, 'second') };
    writeFileSync(join(made.tree, 'new'), '');
    await created(second);
    const { code, stdout } = await assay(['scan', 'diff', made.baseline, second.baseline, '-o', 'jsonl']);
    assert.equal(code, 1);
    const [row, summary] = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.deepEqual([row?.['kind'], row?.['path']], ['added', join(made.tree, 'new')]);
    assert.deepEqual([summary?.['schema'], summary?.['differences']], ['assay.scan-diff.v1', 1]);
    assert.equal((await assay(['scan', 'diff', second.baseline, second.baseline])).code, 0);
  });

  test('is readable by its owner only', async (t) => {
    const made = setup(t);
    await created(made);
    assert.equal(lstatSync(made.baseline).mode & 0o777, 0o600);
  });
});

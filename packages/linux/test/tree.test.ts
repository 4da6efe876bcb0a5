import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  closeSync,
  fstatSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, describe, test } from 'node:test';
import { globMatcher } from '@assay/core/bytes';
import { TreeWalk, type TreeOptions } from '@assay/linux/tree';
import { cannotMount, mountTmpfs } from '@assay/testkit/mounts';
import fc from 'fast-check';

const skip = cannotMount() ?? false;
const directory = mkdtempSync(join(tmpdir(), 'assay-tree-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const ALL: TreeOptions = { include: [], exclude: [], oneFileSystem: false };

interface Walked {
  readonly paths: readonly string[];
  readonly problems: readonly string[];
  readonly skipped: TreeWalk['skipped'];
}

function walked(root: string, options: Partial<TreeOptions> = {}): Walked {
  const walk = new TreeWalk({ ...ALL, ...options });
  const paths: string[] = [];
  const problems: string[] = [];
  for (const each of walk.files([Buffer.from(root)])) {
    const path = relative(root, each.path.toString('latin1'));
    if (each.kind === 'problem') problems.push(`${path}: ${each.error.message}`);
    else {
      assert.ok(fstatSync(each.fd).isFile());
      closeSync(each.fd);
      paths.push(path);
    }
  }
  return { paths, problems, skipped: walk.skipped };
}

function tree(name: string, files: readonly string[]): string {
  const root = join(directory, name);
  for (const file of files) {
    mkdirSync(join(root, file, '..'), { recursive: true });
    writeFileSync(join(root, file), file);
  }
  return root;
}

const descriptors = (): number => readdirSync('/proc/self/fd').length;

describe('a walk', () => {
  test('gives the files in the order of the bytes of their names, and leaves no descriptor open', () => {
    const root = tree('order', ['b', 'a/z', 'a/B', 'c/d/e', 'a.x', '\u00e9', 'B']);
    const before = descriptors();
    assert.deepEqual(walked(root).paths, ['B', 'a/B', 'a/z', 'a.x', 'b', 'c/d/e', '\u00c3\u00a9']);
    assert.equal(descriptors(), before);
  });

  test('that is left in the middle closes what it opened', () => {
    const root = tree('left', ['a/b/c/1', 'a/b/c/2']);
    const before = descriptors();
    for (const each of new TreeWalk(ALL).files([Buffer.from(root)])) {
      if (each.kind === 'file') closeSync(each.fd);
      break;
    }
    assert.equal(descriptors(), before);
  });

  test('gives a file with several names once, follows no link, and counts what it skips', () => {
    const root = tree('skipped', ['file', 'sub/other']);
    linkSync(join(root, 'file'), join(root, 'sub/second'));
    symlinkSync('sub', join(root, 'link'));
    symlinkSync('file', join(root, 'link2'));
    spawnSync('mkfifo', [join(root, 'pipe')]);
    const { paths, problems, skipped } = walked(root);
    assert.deepEqual({ paths, problems }, { paths: ['file', 'sub/other'], problems: [] });
    assert.deepEqual(skipped, { special: 1, symbolicLinks: 2, hardLinks: 1, excluded: 0, fileSystems: 0 });
  });

  test('keeps to what is included and stays out of what is excluded', () => {
    const root = tree('chosen', ['a.so', 'b.txt', 'cache/c.so', 'sub/d.so', 'sub/e.so.1']);
    assert.deepEqual(walked(root, { include: ['*.so'] }).paths, ['a.so', 'cache/c.so', 'sub/d.so']);
    assert.deepEqual(walked(root, { exclude: ['cache', '*.txt'] }).paths, ['a.so', 'sub/d.so', 'sub/e.so.1']);
    assert.deepEqual(walked(root, { exclude: ['**/sub/*.so'] }).paths, ['a.so', 'b.txt', 'cache/c.so', 'sub/e.so.1']);
    assert.equal(walked(root, { include: ['*.so'], exclude: ['cache'] }).skipped.excluded, 3);
  });

  test('stays on its file system where it is told to', { skip }, () => {
    using mount = mountTmpfs();
    mkdirSync(join(mount.path, 'sub'));
    writeFileSync(join(mount.path, 'file'), '');
    const inner = join(mount.path, 'sub');
    assert.equal(spawnSync('mount', ['-t', 'tmpfs', 'assay-inner', inner]).status, 0);
    try {
      writeFileSync(join(inner, 'foreign'), '');
      assert.deepEqual(walked(mount.path).paths, ['file', 'sub/foreign']);
      const { paths, skipped } = walked(mount.path, { oneFileSystem: true });
      assert.deepEqual([paths, skipped.fileSystems], [['file'], 1]);
    } finally {
      spawnSync('umount', ['--lazy', inner]);
    }
  });

  test('does not go into /proc and its like', () => {
    assert.deepEqual(walked('/proc').paths, []);
    assert.equal(walked('/proc').skipped.fileSystems, 1);
  });

  test('takes a single file, and says what is wrong with a root', () => {
    const root = tree('roots', ['file']);
    symlinkSync('file', join(root, 'link'));
    assert.deepEqual(walked(join(root, 'file')).paths, ['']);
    assert.match(walked(join(root, 'link')).problems[0] ?? '', /symbolic link/);
    assert.match(walked(join(root, 'nothing')).problems[0] ?? '', /ENOENT/);
    assert.match(walked(`${root}/${'x'.repeat(5000)}`).problems[0] ?? '', /longer than 4095/);
  });

  test('reaches no file through a directory that is replaced by a link meanwhile', () => {
    const root = tree('swapped', ['a/1', 'b/2']);
    const secret = tree('secret', ['2']);
    const seen: string[] = [];
    for (const each of new TreeWalk(ALL).files([Buffer.from(root)])) {
      if (each.kind === 'problem') continue;
      seen.push(readFileSync(each.fd, 'latin1'));
      closeSync(each.fd);
      if (seen.length > 1) continue;
      renameSync(join(root, 'b'), join(root, 'was-b'));
      symlinkSync(secret, join(root, 'b'));
    }
    assert.deepEqual(seen, ['a/1']);
  });

  test('ends at 200 directories and goes on beside', () => {
    const root = tree('deep', ['z']);
    mkdirSync(join(root, 'd/'.repeat(250)), { recursive: true });
    writeFileSync(join(root, 'd/'.repeat(250), 'file'), '');
    const { paths, problems } = walked(root);
    assert.deepEqual(paths, ['z']);
    assert.match(problems[0] ?? '', /200 directories/);
  });
});

describe('a pattern', () => {
  for (const [pattern, yes, no] of [
    ['*.so', ['a.so', '/usr/lib/b.so', '.so'], ['a.so.1', '/x.so/y']],
    ['lib?.so', ['liba.so'], ['lib.so', 'libab.so']],
    ['[a-c]x', ['ax', '/q/cx'], ['dx', 'x']],
    ['[!a-c]x', ['dx'], ['ax']],
    ['/usr/*/x', ['/usr/lib/x'], ['/usr/x', '/usr/a/b/x', 'x']],
    ['/usr/**', ['/usr/a/b'], ['/usr', '/var/usr/a']],
    ['**/cache', ['/a/b/cache'], ['cache', '/a/cachet']],
    ['[', ['['], ['x']],
    ['a[]b', ['a[]b'], ['ab']],
    ['é?', ['éü'], ['é']],
  ] as const) {
    test(`${pattern} matches ${yes.join(' ')}, not ${no.join(' ')}`, () => {
      const match = globMatcher(pattern);
      assert.deepEqual([...yes, ...no].filter(match), [...yes]);
    });
  }

  test('without special characters matches itself only', () => {
    const plain = fc.string({ minLength: 1 }).filter((text) => !/[*?[/]/.test(text));
    fc.assert(fc.property(plain, plain, (a, b) => globMatcher(a)(b) === (a === b)));
  });

  test('with many stars takes no long time', () => {
    assert.equal(globMatcher(`${'*a'.repeat(200)}b`)('a'.repeat(2000)), false);
  });
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { isRoot, NOBODY, ROOT, scratch } from './assay.ts';

const COMPILED = `${ROOT}packages/cli/bin/compiled.js`;
const SOURCE = `${ROOT}packages/core/src/bytes/index.ts`;

/** Whether a program that imports a source keeps what is compiled of it below this home. */
function keeps(home: string, count = '/none'): boolean {
  const program = `const { keepCompiled } = await import(${JSON.stringify(COMPILED)});
    console.log(keepCompiled(() => ${JSON.stringify(home)}, ${JSON.stringify(count)}));
    await import(${JSON.stringify(SOURCE)});`;
  const env = { PATH: process.env['PATH'] ?? '' };
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    encoding: 'utf8',
    env,
  });
  assert.equal(stderr, '');
  return stdout === 'true\n';
}

/** The directory of a home, where this is made before. */
function directoryIn(home: string): string {
  const directory = join(home, '.cache/assay/compiled');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  return directory;
}

test('what is compiled of the sources is kept in the home, for this user alone', (t) => {
  const home = scratch(t);
  assert.ok(keeps(home));
  const directory = directoryIn(home);
  assert.equal(statSync(directory).mode & 0o777, 0o700);
  assert.equal(readdirSync(directory).length, 1);
});

test('nothing is kept where others can write', (t) => {
  const home = scratch(t);
  const directory = directoryIn(home);
  chmodSync(directory, 0o770);
  assert.ok(!keeps(home));
  assert.deepEqual(readdirSync(directory), []);
});

test('nothing is kept where others can write to what leads there', (t) => {
  const home = scratch(t);
  directoryIn(home);
  for (const above of ['.cache/assay', '.cache', '']) {
    const directory = join(home, above);
    chmodSync(directory, 0o777);
    assert.ok(!keeps(home), directory);
    chmodSync(directory, 0o700);
  }
  assert.ok(keeps(home));
});

test('root keeps nothing where the kernel measures', { skip: isRoot ? false : 'needs root' }, (t) => {
  const home = scratch(t);
  const count = join(home, 'count');
  writeFileSync(count, '57\n');
  assert.ok(!keeps(home, count));
  writeFileSync(count, '1\n');
  assert.ok(keeps(home, count), 'with boot_aggregate alone');
});

test('nothing is kept in a directory of somebody else', { skip: isRoot ? false : 'needs root to make one' }, (t) => {
  const home = scratch(t);
  const directory = directoryIn(home);
  chownSync(directory, NOBODY, NOBODY);
  assert.ok(!keeps(home));
  assert.deepEqual(readdirSync(directory), []);
});

test('nothing is kept behind a symbolic link, nor where a file is in the way or the home is missing', (t) => {
  const [home, elsewhere] = [scratch(t), scratch(t)];
  mkdirSync(join(home, '.cache/assay'), { recursive: true });
  symlinkSync(elsewhere, join(home, '.cache/assay/compiled'));
  assert.ok(!keeps(home));
  assert.deepEqual(readdirSync(elsewhere), []);
  writeFileSync(join(elsewhere, '.cache'), '');
  assert.ok(!keeps(elsewhere));
  assert.ok(!keeps('/proc/none'));
});

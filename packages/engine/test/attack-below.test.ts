import assert from 'node:assert/strict';
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { toHex, utf8 } from '@assay/core/bytes';
import { cannotReadLate } from '@assay/testkit/files';
import { cannotMount, mountExt4, mountOver } from '@assay/testkit/mounts';
import { Attacker, digestOf, openGate, watchdog, writeProgram, type TestGate } from './gate-support.ts';

// Below and beside the paths of files: devices, blocks, handles, mounts. What is out of reach is stated as it is.

const skip = cannotMount() ?? false;
if (skip === false) watchdog(290);
const LIMIT = { skip, timeout: 120_000 };
const EXECUTE = fileURLToPath(import.meta.resolve('./execute.ts'));
const POLICY = { policy: 'measure func=BPRM_CHECK\n' };

test('what root writes to the block device below the file system is not seen', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  await using gate = await openGate([mount.path], POLICY);
  const path = writeProgram(join(mount.path, 'program'), 'a mark that is found');
  const first = digestOf(path);
  assert.deepEqual([await attacker.run('sync'), await attacker.run(path), await attacker.run(path)], [0, 0, 0]);
  await attacker.does('below', path, 'a mark that is found', 'other content by far');
  assert.notEqual(digestOf(path), first);
  assert.deepEqual([await attacker.run(path), gate.measured(path)], [0, [first]]);
});

test('what moves blocks of a file leaves its content, and it is measured again', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  await using gate = await openGate([mount.path], POLICY);
  const path = writeProgram(join(mount.path, 'program'));
  const digest = digestOf(path);
  assert.equal(await attacker.run(path), 0);
  await attacker.does('move', path);
  assert.equal(digestOf(path), digest);
  assert.equal(await attacker.run(path), 0);
  assert.deepEqual(new Set(gate.measured(path)), new Set([digest]));
});

test('a program is measured that is executed by a handle, or has no name', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  await using gate = await openGate([mount.path], POLICY);
  for (const way of ['handle', 'unnamed']) {
    const path = writeProgram(join(mount.path, 'program'), way);
    assert.equal(await attacker.run(process.execPath, EXECUTE, way, path), 0);
    assert.ok(
      gate.entries.some(({ fields }) => toHex(fields.digest?.value ?? utf8('')) === digestOf(path)),
      way,
    );
  }
});

test('a file system that is mounted anew is watched as before', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  await using gate = await openGate([mount.path], POLICY);
  const path = writeProgram(join(mount.path, 'program'));
  const first = digestOf(path);
  assert.deepEqual([await attacker.run(path), gate.measured(path)], [0, [first]]);
  for (const options of ['remount,ro', 'remount,rw']) {
    assert.equal(await attacker.run('mount', '-o', options, mount.path), 0);
  }
  await attacker.does('change', 'pwrite(2)', path);
  assert.deepEqual([await attacker.run(path), gate.measured(path)], [0, [first, digestOf(path)]]);
});

const LATE = { ...LIMIT, skip: skip === false ? (cannotReadLate() ?? false) : skip };

test('bytes that arrive by a read that outlives the mapping it goes to are not seen', LATE, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  using reader = new Attacker();
  await using gate = await openGate([mount.path], POLICY);
  const path = writeProgram(join(mount.path, 'program'));
  await reader.does('expect', path);
  const first = digestOf(path);
  await remembered(gate, () => attacker.run(path));
  await reader.does('arrive', path);
  assert.notEqual(digestOf(path), first);
  assert.equal(await attacker.run(path), 0);
  assert.deepEqual([new Set(gate.measured(path)), gate.lost], [new Set([first]), []]);
  // The next change of any kind shows it.
  await attacker.does('chmod', path, '700');
  assert.deepEqual([await attacker.run(path), gate.measured(path).at(-1)], [0, digestOf(path)]);
});

/** Until the cache answers. */
async function remembered({ gate }: TestGate, does: () => Promise<string | number>): Promise<void> {
  do assert.equal(await does(), 0);
  while (gate.activity().hits === 0);
}

test('a file is asked about anew through a mount that shows another owner', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  using other = mountOver('-t', 'tmpfs', 'assay-test');
  await using gate = await openGate([mount.path], { policy: 'measure func=BPRM_CHECK fowner=7\n' });
  const path = writeProgram(join(mount.path, 'program'));
  await attacker.does('mapIds', mount.path, other.path, '7');
  const mapped = join(other.path, 'program');
  try {
    await remembered(gate, () => attacker.run(path));
    assert.equal(gate.entries.length, 0);
    assert.deepEqual([await attacker.run(mapped), gate.measured(mapped)], [0, [digestOf(path)]]);
    assert.deepEqual([await attacker.run(path), gate.entries.length], [0, 1]);
  } finally {
    assert.equal(await attacker.run('umount', other.path), 0);
  }
});

test('a file is asked about anew when a directory above it gets the name of that of modules', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  await using gate = await openGate([mount.path], { policy: 'measure func=MODULE_CHECK\n' });
  const [before, after] = [join(mount.path, 'before'), join(mount.path, 'lib', 'modules')];
  for (const path of [before, join(mount.path, 'lib')]) mkdirSync(path);
  writeFileSync(join(before, 'a.ko'), 'module');
  await remembered(gate, () => attacker.run('/bin/cat', join(before, 'a.ko')));
  assert.equal(gate.entries.length, 0);
  renameSync(before, after);
  assert.equal(await attacker.run('/bin/cat', join(after, 'a.ko')), 0);
  assert.equal(gate.measured(join(after, 'a.ko')).length, 1);
});

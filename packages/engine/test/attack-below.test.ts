import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { toHex, utf8 } from '@assay/core/bytes';
import { cannotMount, mountExt4 } from '@assay/testkit/mounts';
import { Attacker, digestOf, openGate, watchdog, writeProgram } from './gate-support.ts';

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

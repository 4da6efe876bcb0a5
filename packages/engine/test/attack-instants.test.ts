import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { toHex, utf8 } from '@assay/core/bytes';
import { cannotMount, mountExt4, mountTmpfs, mountXfs } from '@assay/testkit/mounts';
import { Attacker, digestOf, labelNow, openGate, watchdog, writeProgram, type TestGate } from './gate-support.ts';
import { eventually } from './support.ts';

// Changes in the time between the question about a program and its execution.

const skip = cannotMount() ?? false;
if (skip === false) watchdog(290);
const LIMIT = { skip, timeout: 120_000 };
const EXECUTE = fileURLToPath(import.meta.resolve('./execute.ts'));
/** However busy the machine is, nothing passes because its verdict comes too late. */
const PATIENT = { answerLimit: 100_000 };
const FAIL = 'cat /bin/false > "$0"';

const mounts = { ext4: mountExt4, xfs: mountXfs, tmpfs: mountTmpfs };

function digests({ entries }: TestGate): string[] {
  return entries.map(({ fields }) => toHex(fields.digest?.value ?? utf8('')));
}

/** Whether somebody waits to write a file of which a lease is held (proc_locks(5)). */
function aWriterWaits(): boolean {
  return readFileSync('/proc/locks', 'latin1').includes('BREAKING');
}

for (const [type, mount] of Object.entries(mounts)) {
  test(`${type}: who writes to a program whose verdict is being listed waits, or is not executed`, LIMIT, async () => {
    using at = mount();
    using runner = new Attacker();
    using writer = new Attacker();
    await using gate = await openGate([at.path], { policy: 'measure func=BPRM_CHECK\n' }, PATIENT);
    const path = writeProgram(join(at.path, 'program'));
    const first = digestOf(path);
    const goOn = gate.slowList();
    const ran = runner.run(path);
    await eventually('it is to be listed', () => gate.entries.length === 1);
    let isWritten = false;
    const written = writer.run('/bin/sh', '-c', FAIL, path).then(() => (isWritten = true));
    await eventually('it is written, or waits to be', () => isWritten || aWriterWaits());
    goOn();
    await written;
    const result = await ran;
    assert.ok(result === 0 || result === 'ETXTBSY' || digests(gate).includes(digestOf('/bin/false')), String(result));
    assert.deepEqual(digests(gate)[0], first);
    assert.equal(await runner.run(path), 1);
    assert.equal(digests(gate).at(-1), digestOf('/bin/false'));
    assert.deepEqual(gate.lost, []);
  });

  test(`${type}: what a mapping can change is not executed, and is measured when it is gone`, LIMIT, async () => {
    using at = mount();
    using runner = new Attacker();
    using writer = new Attacker();
    await using gate = await openGate([at.path], { policy: 'measure func=BPRM_CHECK\n' }, PATIENT);
    const path = writeProgram(join(at.path, 'program'));
    await writer.does('map', path);
    await writer.does('store', path, '40960');
    assert.equal(await runner.run(path), 'ETXTBSY');
    await writer.does('store', path, '40960');
    await writer.does('unmap', path);
    assert.equal(await runner.run(path), 0);
    assert.deepEqual(digests(gate), [digestOf(path)]);
  });
}

test('what is refused stays refused while the list is slow', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  const policy = 'measure func=BPRM_CHECK\nappraise func=BPRM_CHECK\n';
  await using gate = await openGate([mount.path], { policy, mode: 'enforce' }, { answerLimit: 500 });
  const [good, bad] = ['good', 'bad'].map((name) => writeProgram(join(mount.path, name), name));
  assert.ok(good !== undefined && bad !== undefined);
  labelNow(good);
  const goOn = gate.slowList();
  for (let count = 0; count < 3; count++) assert.equal(await attacker.run(bad), 'EPERM');
  assert.equal(await attacker.run(good), 0);
  assert.ok(gate.lost.length > 0);
  goOn();
  assert.equal(await attacker.run(bad), 'EPERM');
});

test('a file system whose times are whole seconds hides no change', LIMIT, async () => {
  using mount = mountExt4('-I128');
  using attacker = new Attacker();
  await using gate = await openGate([mount.path], { policy: 'measure func=BPRM_CHECK\n' });
  const path = writeProgram(join(mount.path, 'program'));
  for (let count = 0; count < 20; count++) {
    await attacker.does('change', 'pwrite(2)', path);
    assert.deepEqual([await attacker.run(path), await attacker.run(path)], [0, 0]);
    assert.equal(gate.measured(path).at(-1), digestOf(path));
  }
});

test('a thread is asked about by its own ids, whoever the rest of its process is', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  await using gate = await openGate([mount.path], { policy: 'measure func=BPRM_CHECK uid=0\n' });
  const path = writeProgram(join(mount.path, 'program'));
  assert.equal(await attacker.run(process.execPath, EXECUTE, 'thread', path), 0);
  assert.deepEqual(gate.measured(path), [digestOf(path)]);
});

test('without a descriptor left nobody is taken for somebody else', () => {
  const script = fileURLToPath(import.meta.resolve('./exhausted-task.ts'));
  const given = ['-c', 'ulimit -n 100; exec "$0" "$1"', process.execPath, script];
  const { stdout, stderr } = spawnSync('/bin/sh', given, { encoding: 'utf8' });
  assert.equal(stdout, 'EMFILE', stderr);
});

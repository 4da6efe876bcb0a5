import assert from 'node:assert/strict';
import { copyFileSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cannotMount, mountExt4, mountOver, mountTmpfs, mountXfs } from '@assay/testkit/mounts';
import { Attacker, digestOf, labelNow, openGate, watchdog, writeProgram } from './gate-support.ts';
import { eventually } from './support.ts';

// Who writes a file while it is hashed goes on; who executes it gets what the kernel says, or what was hashed.

const skip = cannotMount() ?? false;
if (skip === false) watchdog(290);
const LIMIT = { skip, timeout: 150_000 };
/** Nothing passes because its verdict comes too late. */
const PATIENT = { answerLimit: 140_000 };
const EXECUTIONS = { policy: 'measure func=BPRM_CHECK\n' };
const OPENINGS = { policy: 'measure func=FILE_CHECK mask=MAY_READ\n' };
const ENDLESS = 2 ** 40;
const TRIALS = Number(process.env['ASSAY_TRIALS'] ?? 6);

const mounts = { ext4: mountExt4, xfs: mountXfs, tmpfs: mountTmpfs };

for (const [type, mount] of Object.entries(mounts)) {
  test(
    `${type}: who writes a program goes on while it is hashed, and the kernel does not execute it`,
    LIMIT,
    async () => {
      using at = mount();
      using runner = new Attacker();
      using writer = new Attacker();
      await using gate = await openGate([at.path], EXECUTIONS, PATIENT);
      const path = writeProgram(join(at.path, 'program'));
      const [digest, { length }] = [digestOf(path), readFileSync(path)];
      truncateSync(path, ENDLESS);
      const ran = runner.run(path);
      await eventually('it is hashed', () => gate.gate.activity().waiting === 1);
      assert.equal(await writer.does('map', path), 'mapped');
      assert.equal(await ran, 'ETXTBSY');
      assert.equal(await runner.run(path), 'ETXTBSY');
      assert.deepEqual([gate.entries, gate.lost], [[], []]);
      await writer.does('unmap', path);
      truncateSync(path, length);
      assert.equal(await runner.run(path), 0);
      assert.deepEqual(gate.measured(path), [digest]);
    },
  );

  test(
    `${type}: who writes a file goes on while a reader waits for its hash, which is a violation`,
    LIMIT,
    async () => {
      using at = mount();
      using reader = new Attacker();
      using writer = new Attacker();
      await using gate = await openGate([at.path], OPENINGS, PATIENT);
      const path = writeProgram(join(at.path, 'file'));
      const [digest, { length }] = [digestOf(path), readFileSync(path)];
      truncateSync(path, ENDLESS);
      const read = reader.run('/bin/sh', '-c', ': < "$0"', path);
      await eventually('it is hashed', () => gate.gate.activity().waiting === 1);
      assert.equal(await writer.does('map', path), 'mapped');
      truncateSync(path, length);
      assert.equal(await read, 0);
      assert.deepEqual([gate.measured(path), gate.lost], [['violation', digest], []]);
      await writer.does('unmap', path);
    },
  );

  for (const [how, size] of [
    ['patiently', 64 * 1024],
    ['impatiently', 8 * 1024 * 1024],
  ] as const) {
    test(`${type}: of ${size} bytes that are written ${how} none runs that was not hashed`, LIMIT, async () => {
      using at = mount();
      using runner = new Attacker();
      using writer = new Attacker();
      await using gate = await openGate([at.path], EXECUTIONS, PATIENT);
      const [path, other] = [join(at.path, 'program'), join(at.path, 'other')];
      for (let trial = 0; trial < TRIALS; trial++) {
        const digests = [programOf('/bin/true', path, size - trial), programOf('/bin/false', other, size - trial)];
        const written = writer.does('overwrite', path, other, String(Math.random() * 4000), how);
        const result = await runner.run(path);
        if (result !== 'ETXTBSY') {
          assert.ok(gate.measured(path).includes(digests[Number(result)] ?? 'none'), String(result));
        }
        await written;
        assert.equal(await runner.run(path), 1);
        assert.equal(gate.measured(path).at(-1), digests[1]);
      }
      assert.deepEqual(gate.lost, []);
    });
  }
}

/** @returns its digest */
function programOf(from: string, path: string, size: number): string {
  copyFileSync(from, path);
  truncateSync(path, size);
  return digestOf(path);
}

test('an execution ends however often somebody opens the program for writing', LIMIT, async () => {
  using mount = mountExt4();
  using runner = new Attacker();
  using writer = new Attacker();
  await using gate = await openGate([mount.path], EXECUTIONS, PATIENT);
  const path = writeProgram(join(mount.path, 'program'));
  truncateSync(path, 8 * 1024 * 1024);
  const bothered = writer.does('bother', path, '2000');
  for (let count = 0; count < 20; count++) {
    const result = await runner.run(path);
    assert.ok(result === 0 || result === 'ETXTBSY', String(result));
  }
  await bothered;
  assert.equal(await runner.run(path), 0);
  assert.deepEqual([new Set(gate.measured(path)), gate.lost], [new Set([digestOf(path)]), []]);
});

test('what the kernel would execute through an overlay while it is written below is refused', LIMIT, async () => {
  using watched = mountExt4();
  const [lower, upper, work] = ['lower', 'upper', 'work'].map((name) => join(watched.path, name));
  using runner = new Attacker();
  using writer = new Attacker();
  await runner.run('mkdir', ...[lower, upper, work].map(String));
  using merged = mountOver('-t', 'overlay', '-o', `lowerdir=${lower},upperdir=${upper},workdir=${work}`, 'assay-test');
  await using gate = await openGate([watched.path], EXECUTIONS, PATIENT);
  const below = writeProgram(join(String(upper), 'program'));
  await writer.does('map', below);
  assert.equal(await runner.run(join(merged.path, 'program')), 'EPERM');
  assert.equal(await runner.run(below), 'ETXTBSY');
  await writer.does('unmap', below);
  assert.equal(await runner.run(join(merged.path, 'program')), 0);
  assert.equal(gate.entries.length, 1);
});

test('who reads what somebody writes is refused by its label, also where his flags cannot be seen', LIMIT, async () => {
  using at = mountExt4();
  using reader = new Attacker();
  using writer = new Attacker();
  const policy = 'appraise func=FILE_CHECK mask=MAY_READ\n';
  const path = writeProgram(join(at.path, 'file'));
  labelNow(path);
  await using gate = await openGate([at.path], { policy, mode: 'enforce' }, PATIENT);
  assert.equal(await reader.does('openat2', path), 'read');
  await writer.does('map', path);
  await writer.does('store', path);
  await assert.rejects(reader.does('openat2', path), /EPERM/);
  assert.deepEqual(
    gate.audits.map(({ cause }) => cause),
    ['invalid-hash'],
  );
  await writer.does('unmap', path);
});

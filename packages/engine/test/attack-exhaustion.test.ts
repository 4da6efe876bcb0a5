import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { toHex, utf8 } from '@assay/core/bytes';
import { cannotMount, mountExt4, mountTmpfs, mountXfs } from '@assay/testkit/mounts';
import { Attacker, digestOf, labelNow, openGate, watchdog, writeProgram, type TestGate } from './gate-support.ts';
import { eventually } from './support.ts';

// What the engine needs is taken away: descriptors, a file system that can be written, the mount itself.

const skip = cannotMount() ?? false;
if (skip === false) watchdog(200);
const LIMIT = { skip, timeout: 90_000 };
const POLICY = { policy: 'measure func=BPRM_CHECK\n' };
const PATIENT = { answerLimit: 80_000 };

function digests({ entries }: TestGate): string[] {
  return entries.map(({ fields }) => toHex(fields.digest?.value ?? utf8('')));
}

function run(command: string, ...given: readonly string[]): void {
  const { status, stderr } = spawnSync(command, given, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}

/** Does something while this process can open nothing; its limit is set by another one. */
async function withoutDescriptors<T>(attacker: Attacker, does: () => Promise<T>): Promise<T> {
  const before = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1] ?? '';
  const limit = (soft: string) => attacker.run('prlimit', `--pid=${process.pid}`, `--nofile=${soft}:`);
  assert.equal(await limit('3'), 0);
  try {
    return await does();
  } finally {
    await limit(before);
  }
}

test(
  'without a descriptor left for it an opening is refused, which the list says, and the next one is answered',
  LIMIT,
  async () => {
    using mount = mountExt4();
    using attacker = new Attacker();
    await using gate = await openGate([mount.path], POLICY);
    const [known, fresh] = ['known', 'fresh'].map((name) => writeProgram(join(mount.path, name), name));
    assert.ok(known !== undefined && fresh !== undefined);
    assert.deepEqual([await attacker.run(known), await attacker.run(known)], [0, 0]);
    const results = await withoutDescriptors(attacker, async () => [
      await attacker.run(known),
      await attacker.run(fresh),
    ]);
    assert.deepEqual(results, ['EPERM', 'EPERM']);
    await eventually('it is told', () => gate.lost.length === 2);
    assert.deepEqual(gate.lost, ['event-dropped', 'event-dropped']);
    assert.deepEqual([await attacker.run(known), await attacker.run(fresh)], [0, 0]);
    assert.deepEqual(gate.measured(fresh), [digestOf(fresh)]);
  },
);

test(
  'what is written is refused, and not left to the kernel, without a descriptor to be certain of that',
  LIMIT,
  async () => {
    using mount = mountExt4();
    using attacker = new Attacker();
    using writer = new Attacker();
    await using gate = await openGate(
      [mount.path],
      { policy: 'measure func=BPRM_CHECK\nmeasure func=FILE_CHECK mask=MAY_EXEC\n' },
      PATIENT,
    );
    const path = writeProgram(join(mount.path, 'program'));
    await writer.does('map', path);
    const goOn = gate.slowList();
    const ran = attacker.run(path);
    await eventually('it is to be listed', () => gate.entries.length === 2);
    using other = new Attacker();
    await withoutDescriptors(other, async () => {
      goOn();
      assert.equal(await ran, 'EPERM');
    });
    assert.equal(await attacker.run(path), 'ETXTBSY');
    await writer.does('unmap', path);
    assert.equal(await attacker.run(path), 0);
    assert.equal(gate.measured(path).at(-1), digestOf(path));
  },
);

for (const [type, mount] of Object.entries({ ext4: mountExt4, xfs: mountXfs })) {
  test(`${type}: programs are measured and run while the file system is frozen`, LIMIT, async () => {
    using at = mount();
    using attacker = new Attacker();
    await using gate = await openGate([at.path], POLICY, PATIENT);
    const [before, meanwhile] = ['before', 'meanwhile'].map((name) => writeProgram(join(at.path, name), name));
    assert.ok(before !== undefined && meanwhile !== undefined);
    const goOn = gate.slowList();
    const ran = attacker.run(before);
    await eventually('it is to be listed', () => gate.entries.length === 1);
    run('fsfreeze', '--freeze', at.path);
    try {
      goOn();
      assert.deepEqual([await ran, await attacker.run(meanwhile), await attacker.run(before)], [0, 0, 0]);
    } finally {
      run('fsfreeze', '--unfreeze', at.path);
    }
    assert.deepEqual(new Set(digests(gate)), new Set([digestOf(before), digestOf(meanwhile)]));
    assert.deepEqual(gate.lost, []);
  });
}

test('a label that a frozen file system does not take keeps nobody else waiting', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  using patient = new Attacker();
  const policy = 'appraise func=BPRM_CHECK\n';
  await using gate = await openGate([mount.path], { policy, mode: 'fix' }, PATIENT);
  const [bare, labelled] = ['bare', 'labelled'].map((name) => writeProgram(join(mount.path, name), name));
  assert.ok(bare !== undefined && labelled !== undefined);
  labelNow(labelled);
  assert.equal(await attacker.run(labelled), 0);
  run('fsfreeze', '--freeze', mount.path);
  const waiting = patient.run(bare);
  try {
    await eventually('it waits', () => gate.gate.activity().waiting === 1);
    assert.equal(await attacker.run(labelled), 0);
  } finally {
    run('fsfreeze', '--unfreeze', mount.path);
  }
  assert.deepEqual([await waiting, await attacker.run(bare)], [0, 0]);
  assert.deepEqual(gate.lost, []);
});

for (const [type, mount] of Object.entries({ ext4: mountExt4, tmpfs: mountTmpfs })) {
  test(
    `${type}: what waits for its verdict is measured and runs though its mount is detached meanwhile`,
    LIMIT,
    async () => {
      using at = mount();
      using attacker = new Attacker();
      await using gate = await openGate([at.path], POLICY, PATIENT);
      const path = writeProgram(join(at.path, 'program'));
      const digest = digestOf(path);
      const goOn = gate.slowList();
      const ran = attacker.run(path);
      await eventually('it is to be listed', () => gate.entries.length === 1);
      run('umount', '--lazy', at.path);
      goOn();
      assert.equal(await ran, 0);
      assert.deepEqual([digests(gate), gate.lost], [[digest], []]);
      run('mount', '-t', 'tmpfs', 'assay-test', at.path);
    },
  );
}

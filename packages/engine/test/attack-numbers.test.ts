import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { cannotMount, enterOwnMountNamespace, mountExt4 } from '@assay/testkit/mounts';
import { Attacker, digestOf, openGate, watchdog, writeProgram, type TestGate } from './gate-support.ts';
import { eventually } from './support.ts';

// What files are known by is made to lie: device numbers that come again, and times of changes that come again.

const skip = cannotMount() ?? false;
if (skip === false) {
  watchdog(290);
  enterOwnMountNamespace();
}
const LIMIT = { skip, timeout: 150_000 };
const POLICY = { policy: 'measure func=BPRM_CHECK\n' };
const CAP_SYS_TIME = 25n;

function run(command: string, ...given: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(command, given, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout.trim();
}

/** What a cache knows a file by. */
function stateOf(path: string): readonly bigint[] {
  const { dev, ino, birthtimeNs, size, ctimeNs } = statSync(path, { bigint: true });
  return [dev, ino, birthtimeNs, size, ctimeNs];
}

function watchedTimes(log: readonly string[]): number {
  return log.filter((line) => line.endsWith('is watched from now on')).length;
}

test('a file system that takes the number of one that is gone is watched, too', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  const log: string[] = [];
  await using gate = await openGate([mount.path], POLICY, { log: (line) => log.push(line) });
  const later = join(mount.path, 'later');
  mkdirSync(later);
  const again = 'umount "$0"; mount -t tmpfs assay-test "$0"';
  try {
    for (let count = 1; count <= 3; count++) {
      await attacker.run('/bin/sh', '-c', again, later);
      await eventually('it is found', () => watchedTimes(log) === count);
      const path = writeProgram(join(later, 'program'), String(count));
      assert.equal(await attacker.run(path), 0);
      assert.equal(gate.measured(path).at(-1), digestOf(path));
    }
  } finally {
    run('umount', '--lazy', later);
  }
});

test('a file system of the same numbers, times and sizes and of other content is measured', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  const log: string[] = [];
  const [image, later] = [join(mount.path, 'image'), join(mount.path, 'later')];
  mkdirSync(later);
  run('truncate', '--size=8M', image);
  run('mkfs.ext4', '-q', image);
  const device = run('losetup', '--find', '--show', image);
  try {
    run('mount', device, later);
    const path = writeProgram(join(later, 'program'), 'a mark that is found');
    await using gate = await openGate([mount.path], POLICY, { log: (line) => log.push(line) });
    await eventually('it is found', () => watchedTimes(log) === 1);
    const [first, before] = [digestOf(path), stateOf(path)];
    assert.deepEqual([await attacker.run(path), await attacker.run(path)], [0, 0]);
    run('umount', later);
    await attacker.does('replace', device, 'a mark that is found', 'other content by far');
    run('mount', device, later);
    assert.deepEqual(stateOf(path), before);
    await eventually('it is found again', () => watchedTimes(log) === 2);
    assert.equal(await attacker.run(path), 0);
    assert.notEqual(digestOf(path), first);
    assert.deepEqual(gate.measured(path), [first, digestOf(path)]);
  } finally {
    spawnSync('umount', ['--lazy', later]);
    run('losetup', '--detach', device);
  }
});

function cannotSetClock(): string | undefined {
  const effective = /^CapEff:\t([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? '0';
  const isCapable = ((BigInt(`0x${effective}`) >> CAP_SYS_TIME) & 1n) === 1n;
  return isCapable ? undefined : 'setting the clock needs CAP_SYS_TIME';
}

async function misses({ gate }: TestGate): Promise<number> {
  const now = new Date().toISOString();
  await eventually('it is counted', () => gate.activity().at > now);
  return gate.activity().misses;
}

test('nothing is answered from the cache that was found before the clock was set', {
  ...LIMIT,
  skip: cannotMount() ?? cannotSetClock() ?? false,
}, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  await using gate = await openGate([mount.path], POLICY);
  const path = writeProgram(join(mount.path, 'program'));
  for (let count = 0; count < 3; count++) assert.equal(await attacker.run(path), 0);
  const before = await misses(gate);
  assert.equal(await attacker.run(path), 0);
  assert.equal(await misses(gate), before);
  await attacker.does('clock');
  assert.equal(await attacker.run(path), 0);
  assert.equal(await misses(gate), before + 1);
  // The list has it once: a draft that it has already is not listed again.
  assert.deepEqual(new Set(gate.measured(path)), new Set([digestOf(path)]));
});

const TRIES_CLOCK = process.env['ASSAY_TEST_CLOCK'] === '1';

test('a change that gets the time of the one before by a clock that was set back is measured', {
  ...LIMIT,
  skip:
    cannotMount() ??
    cannotSetClock() ??
    (TRIES_CLOCK ? false : 'the clock of the machine would go back for an instant: ASSAY_TEST_CLOCK=1'),
}, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  await using gate = await openGate([mount.path], POLICY);
  const path = writeProgram(join(mount.path, 'program'));
  const first = digestOf(path);
  for (let count = 0; count < 3; count++) assert.equal(await attacker.run(path), 0);
  const before = stateOf(path);
  await attacker.does('clock', path);
  assert.deepEqual(stateOf(path), before);
  assert.equal(await attacker.run(path), 0);
  assert.notEqual(digestOf(path), first);
  assert.deepEqual(gate.measured(path), [first, digestOf(path)]);
});

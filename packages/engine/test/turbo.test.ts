import assert from 'node:assert/strict';
import { closeSync, constants, linkSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openPermissionGroup, PermissionGroup } from '@assay/linux/fanotify';
import { WAYS_TO_CHANGE } from '@assay/testkit/files';
import { cannotMount, mountExt4, mountTmpfs } from '@assay/testkit/mounts';
import { EngineControl } from '../src/decision/control.ts';
import { whyNoTurbo } from '../src/gate/turbo-policy.ts';
import { deciderSetup } from './decision-support.ts';
import {
  Attacker,
  digestOf,
  labelNow,
  openGate,
  TURBO,
  watchdog,
  writeProgram,
  type TestGate,
} from './gate-support.ts';
import { eventually } from './support.ts';

const skip = cannotMount() ?? false;
if (skip === false) watchdog(300);
const LIMIT = { skip, timeout: 200_000 };
const POLICIES = {
  executions: 'measure func=BPRM_CHECK\n',
  mappings: 'measure func=BPRM_CHECK\nmeasure func=MMAP_CHECK\n',
};

/** Events that there were until now. */
async function eventsOf({ gate }: TestGate): Promise<number> {
  const now = new Date().toISOString();
  await eventually('it is counted', () => gate.activity().at > now);
  return gate.activity().events;
}

function filesOf({ gate }: TestGate): number | undefined {
  return gate.activity().turbo?.files;
}

/** How many events ten runs of a program bring. */
async function eventsOfRuns(gate: TestGate, attacker: Attacker, path: string): Promise<number> {
  const before = await eventsOf(gate);
  for (let count = 0; count < 10; count++) assert.equal(await attacker.run(path), 0);
  return (await eventsOf(gate)) - before;
}

/** Runs a program until it goes without an event. */
async function held(gate: TestGate, attacker: Attacker, path: string): Promise<void> {
  await eventsOfRuns(gate, attacker, path);
  assert.equal(await eventsOfRuns(gate, attacker, path), 0);
}

for (const [name, policy] of Object.entries(POLICIES)) {
  test(
    `a program that does not change runs without an event, and is measured when it does: ${name}`,
    LIMIT,
    async () => {
      using mount = mountExt4();
      using attacker = new Attacker();
      await using gate = await openGate([mount.path], { policy }, TURBO);
      const path = writeProgram(join(mount.path, 'program'));
      for (const way of Object.values(WAYS_TO_CHANGE).slice(0, 3)) {
        await held(gate, attacker, path);
        assert.equal(filesOf(gate), 1);
        assert.equal(gate.measured(path).at(-1), digestOf(path));
        way(path);
        assert.equal(await attacker.run(path), 0);
        assert.equal(gate.measured(path).at(-1), digestOf(path));
      }
      // Again while a change is young, which the list leaves out.
      assert.equal(new Set(gate.measured(path)).size, 4);
      assert.deepEqual(gate.lost, []);
    },
  );
}

test('a file that is cut by an opening that breaks no lease is looked at before it is used', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  await using gate = await openGate([mount.path], { policy: POLICIES.executions }, TURBO);
  const path = writeProgram(join(mount.path, 'program'));
  await held(gate, attacker, path);
  closeSync(openSync(path, constants.O_RDONLY | constants.O_TRUNC));
  assert.equal(gate.gate.activity().turbo?.breaks, 0);
  await attacker.run(path);
  assert.equal(gate.measured(path).at(-1), digestOf(path), 'the digest of nothing');
});

test('who does not want to wait is told so once', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  await using gate = await openGate([mount.path], { policy: POLICIES.executions }, TURBO);
  const path = writeProgram(join(mount.path, 'program'));
  await held(gate, attacker, path);
  assert.throws(() => openSync(path, constants.O_WRONLY | constants.O_NONBLOCK), { code: 'EAGAIN' });
  await eventually('it is let go', () => filesOf(gate) === 0);
  closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
  assert.equal(gate.gate.activity().turbo?.breaks, 1);
});

test('no more files are held than the limit, and others are asked about', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  const options = { turbo: { files: 2, rest: 0 } };
  await using gate = await openGate([mount.path], { policy: POLICIES.executions }, options);
  const paths = ['a', 'b', 'c'].map((name) => writeProgram(join(mount.path, name), name));
  const counts = [];
  for (const path of paths) {
    await eventsOfRuns(gate, attacker, path);
    counts.push(await eventsOfRuns(gate, attacker, path));
  }
  assert.deepEqual(counts, [0, 0, 10]);
  assert.equal(filesOf(gate), 2);
  rmSync(paths[0] ?? '');
  await eventually('a file without a name is let go', () => filesOf(gate) === 1);
});

test('a file that changed a moment ago is asked about', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  const options = { turbo: { files: 100, rest: 3_600_000 } };
  await using gate = await openGate([mount.path], { policy: POLICIES.executions }, options);
  const path = writeProgram(join(mount.path, 'program'));
  await eventsOfRuns(gate, attacker, path);
  assert.equal(await eventsOfRuns(gate, attacker, path), 10);
});

test('on a file system without an honest change time every opening is an event', LIMIT, async () => {
  using mount = mountTmpfs();
  using attacker = new Attacker();
  await using gate = await openGate([mount.path], { policy: POLICIES.executions }, TURBO);
  const path = writeProgram(join(mount.path, 'program'));
  await eventsOfRuns(gate, attacker, path);
  assert.equal(await eventsOfRuns(gate, attacker, path), 10);
});

test('a pause lets all files go, so that file systems can be unmounted', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  const setup = deciderSetup({ policy: POLICIES.executions });
  await using gate = await openGate([mount.path], setup, TURBO);
  const path = writeProgram(join(mount.path, 'program'));
  await held(gate, attacker, path);
  assert.equal(await attacker.run('umount', mount.path), 32, 'it is busy');
  new EngineControl(setup.control).paused = true;
  await eventually('nothing is held', () => filesOf(gate) === 0);
  assert.equal(await attacker.run('umount', mount.path), 0);
  assert.equal(await attacker.run('mount', '-t', 'tmpfs', 'assay-test', mount.path), 0, 'for the end of the test');
});

test('the end of the gate lets all files go', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  const path = writeProgram(join(mount.path, 'program'));
  {
    await using gate = await openGate([mount.path], { policy: POLICIES.executions }, TURBO);
    await held(gate, attacker, path);
  }
  closeSync(openSync(path, constants.O_WRONLY | constants.O_NONBLOCK));
});

test('what rests on a label is asked about each time, and is refused without the label', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  const policy = 'appraise func=BPRM_CHECK\n';
  await using gate = await openGate([mount.path], { policy, mode: 'enforce' }, TURBO);
  const path = writeProgram(join(mount.path, 'program'));
  labelNow(path);
  await eventsOfRuns(gate, attacker, path);
  assert.equal(await eventsOfRuns(gate, attacker, path), 10);
  assert.equal(filesOf(gate), 0);
  await attacker.does('label', path, 'security.ima', '');
  assert.equal(await attacker.run(path), 'EPERM');
});

test('many files that are written at once are all let go and measured', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  await using gate = await openGate([mount.path], { policy: POLICIES.executions }, TURBO);
  const paths = Array.from({ length: 60 }, (_, index) => writeProgram(join(mount.path, `p${index}`), `${index}`));
  for (let count = 0; count < 3; count++) for (const path of paths) await attacker.run(path);
  await eventually('all are held', () => filesOf(gate) === paths.length);
  const script = 'for p in "$0"/p*; do { echo more >> "$p"; "$p"; } & done; wait';
  assert.equal(await attacker.run('/bin/sh', '-c', script, mount.path), 0);
  for (const path of paths) assert.equal(gate.measured(path).at(-1), digestOf(path));
  assert.deepEqual(gate.lost, []);
});

test('a link to a file that is held, and its end, change nothing', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  await using gate = await openGate([mount.path], { policy: POLICIES.executions }, TURBO);
  const path = writeProgram(join(mount.path, 'program'));
  await held(gate, attacker, path);
  linkSync(path, `${path}.link`);
  assert.equal(await eventsOfRuns(gate, attacker, `${path}.link`), 0);
  rmSync(`${path}.link`);
  assert.equal(await eventsOfRuns(gate, attacker, path), 0);
});

test('marks that an earlier engine left in its group are gone when another one begins', LIMIT, async () => {
  using mount = mountExt4();
  using attacker = new Attacker();
  const path = writeProgram(join(mount.path, 'program'));
  const group = openPermissionGroup(false);
  const fd = openSync(path, 'r');
  new PermissionGroup(group).ignore(fd, 'exec');
  closeSync(fd);
  await using gate = await openGate([mount.path], { policy: POLICIES.executions }, { group });
  assert.equal(await attacker.run(path), 0);
  assert.deepEqual(gate.measured(path), [digestOf(path)]);
});

test('a policy whose verdicts need more than the content has no turbo, and says why', () => {
  const why = (policy: string, template = 'ima-ng'): string | undefined =>
    whyNoTurbo(deciderSetup({ policy: `${policy}\n`, template }));
  assert.equal(why('measure func=BPRM_CHECK'), undefined);
  assert.equal(why('dont_measure fsmagic=0x9fa0\nmeasure func=BPRM_CHECK mask=MAY_EXEC'), undefined);
  assert.equal(why('measure func=MMAP_CHECK\nappraise func=MODULE_CHECK'), undefined);
  assert.match(why('measure func=FILE_CHECK mask=MAY_READ') ?? '', /FILE_CHECK/);
  assert.match(why('measure func=MMAP_CHECK\nmeasure mask=MAY_READ') ?? '', /FILE_CHECK/);
  assert.match(why('measure func=BPRM_CHECK uid=0') ?? '', /who opens/);
  assert.match(why('measure func=BPRM_CHECK fowner=0') ?? '', /whose/);
  assert.match(why('measure func=BPRM_CHECK', 'ima-sig') ?? '', /ima-sig/);
  assert.match(why('measure func=BPRM_CHECK template=evm-sig') ?? '', /evm-sig/);
});

test('who refuses while no engine answers cannot have turbo', { skip }, async () => {
  const group = openPermissionGroup(false);
  const options = { ...TURBO, group, failure: 'closed' } as const;
  await assert.rejects(openGate([], { policy: POLICIES.executions }, options), RangeError);
  new PermissionGroup(group).close();
});

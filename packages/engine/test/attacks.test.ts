import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { WAYS_OF_EXT4, WAYS_TO_CHANGE } from '@assay/testkit/files';
import { cannotMount, mountExt4, mountTmpfs } from '@assay/testkit/mounts';
import { Attacker, digestOf, isTurbo, labelNow, openGate, watchdog, writeProgram } from './gate-support.ts';

// Every way of changing a program that was measured, or appraised, and running it again: the changed bytes are measured,
// or refused.

const skip = cannotMount() ?? false;
if (skip === false) watchdog(290);
const LIMIT = { skip, timeout: 100_000 };

/** What a file system does not have, so that its files cannot be changed by it. */
const LACKING: Readonly<Record<string, readonly string[]>> = {
  // A file that is held keeps its number.
  ext4: isTurbo ? ['another file that gets its inode number'] : [],
  tmpfs: [
    'fallocate(2) that zeroes a range',
    'fallocate(2) that collapses a range',
    'fallocate(2) that inserts a range',
    'another file that gets its inode number',
  ],
};

for (const [type, make] of [
  ['ext4', mountExt4],
  ['tmpfs', mountTmpfs],
] as const) {
  const having = type === 'ext4' ? { ...WAYS_TO_CHANGE, ...WAYS_OF_EXT4 } : WAYS_TO_CHANGE;
  const ways = Object.keys(having).filter((way) => LACKING[type]?.includes(way) !== true);

  test(`${type}: what was changed is measured before it runs again`, LIMIT, async (context) => {
    using mount = make();
    using attacker = new Attacker();
    await using gate = await openGate([mount.path], { policy: 'measure func=BPRM_CHECK\n' });
    for (const way of ways) {
      await context.test(`after ${way}`, async () => {
        const path = writeProgram(join(mount.path, 'program'), way);
        const first = digestOf(path);
        assert.deepEqual([await attacker.run(path), await attacker.run(path)], [0, 0]);
        assert.equal(gate.measured(path).at(-1), first);
        await attacker.does('change', way, path);
        const second = digestOf(path);
        assert.notEqual(second, first);
        assert.equal(await attacker.run(path), 0);
        assert.equal(gate.measured(path).at(-1), second);
        assert.deepEqual(gate.lost, []);
      });
    }
  });

  test(`${type}: what was changed is refused where its label is asked for`, LIMIT, async (context) => {
    using mount = make();
    using attacker = new Attacker();
    await using gate = await openGate([mount.path], { policy: 'appraise func=BPRM_CHECK\n', mode: 'enforce' });
    for (const way of ways) {
      await context.test(`after ${way}`, async () => {
        const path = writeProgram(join(mount.path, 'program'), way);
        labelNow(path);
        assert.deepEqual([await attacker.run(path), await attacker.run(path)], [0, 0]);
        await attacker.does('change', way, path);
        assert.deepEqual([await attacker.run(path), await attacker.run(path)], ['EPERM', 'EPERM']);
        labelNow(path);
        assert.equal(await attacker.run(path), 0);
        assert.deepEqual(gate.lost, []);
      });
    }
  });
}

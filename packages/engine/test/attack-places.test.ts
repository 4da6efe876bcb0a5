import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { WAYS_OF_BTRFS, WAYS_OF_XFS, WAYS_TO_CHANGE } from '@assay/testkit/files';
import {
  cannotMount,
  cannotMountBtrfs,
  mountBtrfs,
  mountExt4,
  mountOver,
  mountTmpfs,
  mountXfs,
  type ScratchMount,
} from '@assay/testkit/mounts';
import { Attacker, digestOf, openGate, watchdog, writeProgram } from './gate-support.ts';

// One file system is watched, by one of its mounts; the program is changed and run through another door to it.

const skip = cannotMount() ?? false;
if (skip === false) watchdog(290);
const LIMIT = { skip, timeout: 100_000 };

/** Where the watched file system is reached, and by which process. */
interface Door extends Disposable {
  readonly watched: string;
  /** Where the attacker sees the program. */
  readonly path: string;
  readonly attacker: Attacker;
}

function door(watched: ScratchMount, other?: ScratchMount, ...prefix: readonly string[]): Door {
  const attacker = new Attacker(...prefix);
  const close = (): void => {
    attacker[Symbol.dispose]();
    other?.[Symbol.dispose]();
    watched[Symbol.dispose]();
  };
  return { watched: watched.path, path: other?.path ?? watched.path, attacker, [Symbol.dispose]: close };
}

function overlay(make: () => ScratchMount): Door {
  const watched = make();
  const [lower, upper, work] = ['lower', 'upper', 'work'].map((name) => join(watched.path, name));
  for (const path of [lower, upper, work]) mkdirSync(path ?? '');
  const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`;
  return door(watched, mountOver('-t', 'overlay', '-o', options, 'assay-test'));
}

function bound(): Door {
  const watched = mountExt4();
  return door(watched, mountOver('--bind', watched.path));
}

/** In a subvolume, which has a device number of its own and is reached by no mount of its own. */
function subvolume(...writtenInPlace: readonly string[]): Door {
  const watched = mountBtrfs();
  const path = join(watched.path, 'subvolume');
  assert.equal(spawnSync('btrfs', ['subvolume', 'create', path]).status, 0);
  if (writtenInPlace.length > 0) assert.equal(spawnSync('chattr', [...writtenInPlace, path]).status, 0);
  const opened = door(watched);
  return { ...opened, path, [Symbol.dispose]: () => opened[Symbol.dispose]() };
}

const doors: Readonly<Record<string, () => Door>> = {
  'on xfs': () => door(mountXfs()),
  'in a subvolume of btrfs': () => subvolume(),
  'in a subvolume of btrfs whose files are written in place': () => subvolume('+C'),
  'through a bind mount': bound,
  'through an overlay over ext4': () => overlay(mountExt4),
  'through an overlay over tmpfs': () => overlay(mountTmpfs),
  'in another mount namespace': () => door(mountExt4(), undefined, 'unshare', '--mount'),
  'in another user and mount namespace': () =>
    door(mountExt4(), undefined, 'unshare', '--user', '--map-root-user', '--mount'),
};

/** The others are the same for the kernel once they have reached the file. */
const WAYS = [
  'pwrite(2)',
  'truncate(2)',
  'fallocate(2) that punches a hole',
  'copy_file_range(2)',
  'an io_uring write',
  'an asynchronous io_submit(2)',
  'a store through a shared mapping',
  'another file that is renamed over it',
  'a write through another hard link',
  'a write whose mtime is set back',
];

/** Beside those that all file systems have. */
function waysOf(where: string): string[] {
  if (where === 'on xfs') return Object.keys(WAYS_OF_XFS);
  return where.includes('btrfs') ? Object.keys(WAYS_OF_BTRFS) : [];
}

for (const [where, open] of Object.entries(doors)) {
  const limit = where.includes('btrfs') ? { ...LIMIT, skip: cannotMountBtrfs() ?? false } : LIMIT;
  test(`what was changed ${where} is measured before it runs again`, limit, async (context) => {
    using at = open();
    await using gate = await openGate([at.watched], { policy: 'measure func=BPRM_CHECK\n' });
    const ways = WAYS.filter((name) => name in WAYS_TO_CHANGE);
    for (const way of [...ways, ...waysOf(where)]) {
      await context.test(`after ${way}`, async () => {
        const path = writeProgram(join(at.path, 'program'), way);
        const first = digestOf(path);
        assert.deepEqual([await at.attacker.run(path), await at.attacker.run(path)], [0, 0]);
        assert.equal(last(gate.entries), first);
        await at.attacker.does('change', way, path);
        const second = digestOf(path);
        assert.notEqual(second, first);
        assert.equal(await at.attacker.run(path), 0);
        assert.equal(last(gate.entries), second);
        assert.deepEqual(gate.lost, []);
      });
    }
  });
}

test(
  'a program of the lower directory that the first write copies up is measured before it runs again',
  LIMIT,
  async () => {
    using watched = mountExt4();
    const [lower = '', upper = '', work = ''] = ['lower', 'upper', 'work'].map((name) => join(watched.path, name));
    for (const path of [lower, upper, work]) mkdirSync(path);
    const first = digestOf(writeProgram(join(lower, 'program')));
    using merged = mountOver(
      '-t',
      'overlay',
      '-o',
      `lowerdir=${lower},upperdir=${upper},workdir=${work}`,
      'assay-test',
    );
    using attacker = new Attacker();
    await using gate = await openGate([watched.path], { policy: 'measure func=BPRM_CHECK\n' });
    const path = join(merged.path, 'program');
    assert.deepEqual([await attacker.run(path), last(gate.entries)], [0, first]);
    await attacker.does('change', 'pwrite(2)', path);
    const second = digestOf(path);
    assert.notEqual(second, first);
    assert.deepEqual([await attacker.run(path), last(gate.entries)], [0, second]);
  },
);

type Entries = Awaited<ReturnType<typeof openGate>>['entries'];

/** By digest: the name of a file depends on where it is looked at. */
function last(entries: Entries): string {
  return Buffer.from(entries.at(-1)?.fields.digest?.value ?? []).toString('hex');
}

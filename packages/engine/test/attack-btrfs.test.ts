import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, openSync, renameSync, statSync, writeSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { cannotMountBtrfs, mountBtrfs, mountOver } from '@assay/testkit/mounts';
import { DigestCache } from '../src/digest-cache.ts';
import { Attacker, digestOf, isTurbo, labelNow, openGate, watchdog, writeProgram } from './gate-support.ts';
import { eventually } from './support.ts';

// Subvolumes and snapshots: one file system with many device numbers, none of which is in the list of mounts, in which files have
// the same number, times and size and are not the same.

const [major = 0, minor = 0] = release().split('.').map(Number);
const isOld = major < 6 || (major === 6 && minor < 10);
const skip = cannotMountBtrfs() ?? (isOld ? 'before Linux 6.10 nothing is remembered on btrfs' : false);
if (skip === false) watchdog(290);
const LIMIT = { skip, timeout: 120_000 };
const POLICY = { policy: 'measure func=BPRM_CHECK\n' };

function btrfs(...given: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('btrfs', given, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  return stdout;
}

function subvolume(...path: readonly string[]): string {
  btrfs('subvolume', 'create', join(...path));
  return join(...path);
}

function snapshot(of: string, ...path: readonly string[]): string {
  btrfs('subvolume', 'snapshot', of, join(...path));
  return join(...path);
}

function sourceOf(path: string): string {
  return spawnSync('findmnt', ['--noheadings', '--output', 'SOURCE', '--mountpoint', path], { encoding: 'utf8' })
    .stdout.trim()
    .replace(/\[.*/, '');
}

/** Subvolumes with one program, and one with another program that is alike in all that stat(2) tells. */
interface Twins {
  readonly good: readonly string[];
  readonly evil: string;
}

function makeTwins(top: string): Twins {
  const first = subvolume(top, 'good');
  writeProgram(join(first, 'program'));
  const evil = snapshot(first, top, 'evil');
  let tries = 0;
  do writeAtOnce([first, evil], ++tries);
  while (facts(first) !== facts(evil) && tries < 1000);
  assert.equal(facts(first), facts(evil));
  // Other tests mount, too, and may get a number first.
  const more = ['a', 'b', 'c'].map((name) => snapshot(first, top, name));
  return { good: [first, ...more], evil };
}

/** Each gets bytes of its own in one tick of the clock. The first round leaves times that nobody reads before the second one. */
function writeAtOnce(directories: readonly string[], count: number): void {
  const fds = directories.map((each) => openSync(join(each, 'program'), 'r+'));
  for (const round of [1, 2])
    for (const [index, fd] of fds.entries()) writeSync(fd, `${index} ${count} ${round}`, 40_000);
  for (const fd of fds) closeSync(fd);
}

function facts(directory: string): string {
  const { ino, size, ctimeNs, birthtimeNs } = statSync(join(directory, 'program'), { bigint: true });
  return [ino, size, ctimeNs, birthtimeNs].join();
}

/** A device number of the good ones becomes that of a snapshot of the evil one. @returns the program there */
async function takeNumber({ good, evil }: Twins, top: string): Promise<string> {
  const numbers = good.map((each) => statSync(each).dev);
  btrfs('subvolume', 'delete', '--commit-after', ...good);
  btrfs('subvolume', 'sync', top);
  let taken = '';
  let count = 0;
  await eventually('a number is given again', () => {
    taken = snapshot(evil, top, `taken-${++count}`);
    return numbers.includes(statSync(taken).dev);
  });
  assert.equal(facts(taken), facts(evil));
  return join(taken, 'program');
}

/** A held file keeps the subvolume that was deleted, and its number. */
const NUMBER = { ...LIMIT, skip: skip === false && isTurbo ? 'nothing gets the number of what is held' : skip };

test('a snapshot that gets the device number of a deleted subvolume is measured', NUMBER, async () => {
  using mount = mountBtrfs();
  using attacker = new Attacker();
  const twins = makeTwins(mount.path);
  const good = twins.good.map((each) => join(each, 'program'));
  const [first, second] = [digestOf(join(twins.good[0] ?? '', 'program')), digestOf(join(twins.evil, 'program'))];
  assert.notEqual(first, second);
  await using gate = await openGate([mount.path], POLICY);
  for (const path of good) {
    assert.deepEqual([await attacker.run(path), await attacker.run(path), gate.measured(path)], [0, 0, [first]]);
  }
  await eventually('all are remembered', () => gate.gate.activity().hits === good.length);
  const taken = await takeNumber(twins, mount.path);
  assert.deepEqual([await attacker.run(taken), gate.measured(taken), gate.lost], [0, [second], []]);
});

test('no digest is kept for a snapshot that gets the device number of a deleted subvolume', LIMIT, async () => {
  using mount = mountBtrfs();
  const twins = makeTwins(mount.path);
  const cache = new DigestCache();
  const digest = (path: string): string => {
    const fd = openSync(path, 'r');
    const found = cache.digestOf(fd, () => false);
    closeSync(fd);
    assert.equal(found.outcome, 'hashed');
    return Buffer.from(found.digests.get('sha256') ?? []).toString('hex');
  };
  const good = twins.good.map((each) => join(each, 'program'));
  await eventually('all are kept', () => {
    for (const path of good) assert.equal(digest(path), digestOf(path));
    return cache.size === good.length;
  });
  const taken = await takeNumber(twins, mount.path);
  assert.equal(digest(taken), digestOf(taken));
});

test(
  'programs are measured in a subvolume, in a snapshot and through mounts of them, and remembered',
  LIMIT,
  async () => {
    using mount = mountBtrfs();
    using attacker = new Attacker();
    const inside = subvolume(subvolume(mount.path, 'outer'), 'inner');
    const original = writeProgram(join(inside, 'program'), 'one');
    const copy = snapshot(inside, mount.path, 'copy');
    const digest = digestOf(original);
    await using gate = await openGate([mount.path], POLICY);
    using own = mountOver('-o', 'subvol=outer/inner', sourceOf(mount.path));
    using bound = mountOver('--bind', copy);
    const hits = (): number => gate.gate.activity().hits;
    const runs = [original, join(copy, 'program'), join(own.path, 'program'), join(bound.path, 'program')];
    for (const path of runs) assert.equal(await attacker.run(path), 0);
    assert.equal(gate.measured(original).length + gate.measured(join(copy, 'program')).length, 2);
    assert.deepEqual(new Set(runs.flatMap((path) => gate.measured(path))), new Set([digest]));
    // Through the mounts it is the same file.
    if (!isTurbo) await eventually('the others were remembered', () => hits() === 2);
    const changed = writeProgram(join(own.path, 'program'), 'two');
    assert.deepEqual([await attacker.run(original), gate.measured(original).at(-1)], [0, digestOf(changed)]);
    assert.equal(await attacker.run(join(copy, 'program')), 0);
    assert.deepEqual([gate.measured(join(copy, 'program')), gate.lost], [[digest], []]);
  },
);

test('what snapshots bring to a path is measured each time: put in its place, and put back', LIMIT, async () => {
  using mount = mountBtrfs();
  using attacker = new Attacker();
  const live = subvolume(mount.path, 'live');
  const path = writeProgram(join(live, 'program'), 'one');
  const first = digestOf(path);
  const before = snapshot(live, mount.path, 'before');
  await using gate = await openGate([mount.path], POLICY);
  assert.deepEqual([await attacker.run(path), await attacker.run(path)], [0, 0]);
  await attacker.does('change', 'pwrite(2)', path);
  const second = digestOf(path);
  assert.deepEqual([await attacker.run(path), gate.measured(path)], [0, [first, second]]);
  renameSync(live, `${live}.bad`);
  renameSync(before, live);
  assert.deepEqual([digestOf(path), await attacker.run(path), gate.measured(path).at(-1)], [first, 0, first]);
  renameSync(live, before);
  renameSync(`${live}.bad`, live);
  assert.deepEqual([digestOf(path), await attacker.run(path)], [second, 0]);
  assert.deepEqual([new Set(gate.measured(path)), gate.lost], [new Set([first, second]), []]);
});

test('what was changed in a snapshot is refused there, and what was not passes, read-only too', LIMIT, async () => {
  using mount = mountBtrfs();
  using attacker = new Attacker();
  const live = subvolume(mount.path, 'live');
  const path = writeProgram(join(live, 'program'));
  labelNow(path);
  await using gate = await openGate([mount.path], { policy: 'appraise func=BPRM_CHECK\n', mode: 'enforce' });
  assert.deepEqual([await attacker.run(path), await attacker.run(path)], [0, 0]);
  const copy = join(snapshot(live, mount.path, 'copy'), 'program');
  assert.equal(await attacker.run(copy), 0);
  await attacker.does('change', 'a block that is cloned from another file (FICLONERANGE)', copy);
  assert.deepEqual([await attacker.run(copy), await attacker.run(path)], ['EPERM', 0]);
  btrfs('property', 'set', '-ts', join(mount.path, 'copy'), 'ro', 'true');
  btrfs('property', 'set', '-ts', live, 'ro', 'true');
  assert.deepEqual([await attacker.run(copy), await attacker.run(path)], ['EPERM', 0]);
  btrfs('property', 'set', '-ts', live, 'ro', 'false');
  await attacker.does('change', 'a store through a shared mapping', path);
  assert.deepEqual([await attacker.run(path), gate.lost], ['EPERM', []]);
});

test('what moves extents of a file or shares them leaves its content, and so its digest', LIMIT, async () => {
  using mount = mountBtrfs();
  using attacker = new Attacker();
  const path = writeProgram(join(subvolume(mount.path, 'live'), 'program'));
  const other = writeProgram(join(mount.path, 'other'));
  await using gate = await openGate([mount.path], POLICY);
  const digest = digestOf(path);
  const ways = [
    () => btrfs('filesystem', 'defragment', '-f', path),
    () => btrfs('balance', 'start', '--full-balance', mount.path),
    () => assert.equal(spawnSync('xfs_io', ['-c', `dedupe ${other} 0 0 4096`, path]).status, 0),
  ];
  for (const way of ways) {
    assert.equal(await attacker.run(path), 0);
    way();
    assert.equal(digestOf(path), digest);
  }
  assert.equal(await attacker.run(path), 0);
  assert.deepEqual([new Set(gate.measured(path)), gate.lost], [new Set([digest]), []]);
});

test('rules and records name the file system of a subvolume as the kernel does', LIMIT, async () => {
  using mount = mountBtrfs();
  using attacker = new Attacker();
  const path = writeProgram(join(subvolume(mount.path, 'live'), 'program'));
  const source = sourceOf(mount.path);
  const uuid = spawnSync('blkid', ['-s', 'UUID', '-o', 'value', source], { encoding: 'utf8' }).stdout.trim();
  const policy = `appraise func=BPRM_CHECK fsname=btrfs fsuuid=${uuid}\n`;
  await using gate = await openGate([mount.path], { policy, mode: 'enforce' });
  assert.equal(await attacker.run(path), 'EPERM');
  const [audit] = gate.audits;
  assert.match(audit?.text ?? '', new RegExp(` dev="${source.replace('/dev/', '')}" `));
  assert.match(audit?.text ?? '', new RegExp(` ino=${statSync(path).ino}`));
});

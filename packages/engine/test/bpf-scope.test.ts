import assert from 'node:assert/strict';
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { BpfMap } from '@assay/linux/bpf';
import { bpfLsm } from '@assay/linux/lsm';
import { cannotMount, mountExt4, mountOver, mountTmpfs } from '@assay/testkit/mounts';
import { Scope, tellsOfWriters } from '../src/bpf/scope.ts';
import { MAPS } from '../src/bpf/shared.ts';

const skip =
  cannotMount() ??
  (bpfLsm().call === 'works' ? false : 'bpf(2) does not answer: it needs root, and CONFIG_BPF_SYSCALL');

/** As the kernel has it inside (include/linux/kdev_t.h): stat(2) tells it otherwise. */
function deviceOf(path: string): number {
  const { dev } = statSync(path);
  return ((dev >>> 8) & 0xfff) * 2 ** 20 + ((dev & 0xff) | ((dev >>> 12) & 0xfff00));
}

function has(devices: BpfMap, device: number): boolean {
  devices.key.writeUInt32LE(device);
  return devices.look();
}

test('files of a watched file system are in the scope, by whatever path it was named', { skip }, () => {
  using devices = new BpfMap(MAPS.devices);
  using ext4 = mountExt4();
  using tmpfs = mountTmpfs();
  mkdirSync(join(ext4.path, 'below'));
  const scope = new Scope(devices);
  scope.add(join(ext4.path, 'below'));
  assert.equal(has(devices, deviceOf(ext4.path)), true);
  assert.equal(has(devices, deviceOf(tmpfs.path)), false);
  scope.add(tmpfs.path);
  assert.equal(has(devices, deviceOf(tmpfs.path)), true);
});

test('a number leaves the scope with its file system, so that the next one that gets it is not in it', { skip }, () => {
  using devices = new BpfMap(MAPS.devices);
  using stays = mountTmpfs();
  const scope = new Scope(devices);
  const goes = mountTmpfs();
  const device = deviceOf(goes.path);
  scope.add(stays.path);
  scope.add(goes.path);
  goes[Symbol.dispose]();
  // Another process may have mounted something since.
  scope.prune((path) => path === stays.path);
  assert.equal(has(devices, device), false);
  assert.equal(has(devices, deviceOf(stays.path)), true);
  scope.prune((path) => path !== stays.path);
  assert.equal(has(devices, deviceOf(stays.path)), false, 'another one has the number, and is not watched');
  scope.add(stays.path);
  assert.equal(has(devices, deviceOf(stays.path)), true);
});

test('what changes without an opening of its own is never in the scope', { skip }, () => {
  using devices = new BpfMap(MAPS.devices);
  using below = mountTmpfs();
  const [lower, upper, work] = ['lower', 'upper', 'work'].map((name) => join(below.path, name));
  for (const path of [lower, upper, work]) mkdirSync(String(path));
  using overlay = mountOver('-t', 'overlay', 'assay', '-o', `lowerdir=${lower},upperdir=${upper},workdir=${work}`);
  new Scope(devices).add(overlay.path);
  assert.equal(has(devices, deviceOf(overlay.path)), false);
});

test('verdicts are kept on file systems whose writers are seen, and on no others', () => {
  const magics = {
    ext4: 0xef53,
    tmpfs: 0x01021994,
    overlayfs: 0x794c7630,
    fuse: 0x65735546,
    nfs: 0x6969,
    plan9: 0x01021997,
  };
  const kept = Object.entries(magics).filter(([, magic]) => tellsOfWriters(magic));
  assert.deepEqual(
    kept.map(([name]) => name),
    ['ext4', 'tmpfs'],
  );
});

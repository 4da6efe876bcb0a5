import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import {
  descriptorPath,
  fileIdentity,
  fileSystemMagic,
  hashFile,
  identityKey,
  isTextBusy,
  keepFromExecution,
  lockFile,
  probeWriters,
  ReadLeases,
} from '@assay/linux/files';
import { cannotMount, mountExt4, mountTmpfs } from '@assay/testkit/mounts';

const skip = cannotMount() ?? false;
const directory = mkdtempSync(join(tmpdir(), 'assay-files-'));
after(() => rmSync(directory, { recursive: true, force: true }));

const never = (): boolean => false;

function scratch(name: string, content: Uint8Array | string): string {
  const path = join(directory, name);
  writeFileSync(path, content);
  return path;
}

function withFile<T>(path: string | Buffer, use: (fd: number) => T): T {
  const fd = openSync(path, 'r');
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

for (const size of [0, 1, 128 * 1024, 128 * 1024 + 1, 1_000_003]) {
  test(`a file of ${size} bytes is hashed with several algorithms in one pass`, () => {
    const content = randomBytes(size);
    const found = withFile(scratch('content', content), (fd) => hashFile(fd, ['sha256', 'sha1', 'sha512'], never));
    assert.equal(found.outcome, 'hashed');
    for (const name of ['sha256', 'sha1', 'sha512'] as const) {
      assert.deepEqual(found.digests.get(name), createHash(name).update(content).digest());
    }
    assert.equal(found.identity.size, BigInt(size));
  });
}

test('hashing begins at the first byte and leaves the file offset alone', () => {
  withFile(scratch('offset', 'abcdef'), (fd) => {
    readSync(fd, Buffer.alloc(2), 0, 2, null);
    const found = hashFile(fd, ['sha256'], never);
    assert.equal(found.outcome, 'hashed');
    assert.deepEqual(found.digests.get('sha256'), createHash('sha256').update('abcdef').digest());
    const rest = Buffer.alloc(1);
    readSync(fd, rest, 0, 1, null);
    assert.equal(rest.toString(), 'c');
  });
});

test('a file that changes while it is hashed is hashed again', () => {
  const path = scratch('changes-once', 'before');
  let changed = false;
  const changeOnce = (): boolean => {
    if (!changed) appendFileSync(path, ' and after');
    changed = true;
    return false;
  };
  const found = withFile(path, (fd) => hashFile(fd, ['sha256'], changeOnce));
  assert.equal(found.outcome, 'hashed');
  assert.deepEqual(found.digests.get('sha256'), createHash('sha256').update('before and after').digest());
});

test('a file that changes all the time has no digest', () => {
  const path = scratch('changes-always', 'x');
  let reads = 0;
  const change = (): boolean => {
    if (reads++ % 2 === 0) appendFileSync(path, 'x');
    return false;
  };
  assert.deepEqual(
    withFile(path, (fd) => hashFile(fd, ['sha256'], change)),
    { outcome: 'changing' },
  );
});

test('hashing can be given up', () => {
  const found = withFile(scratch('large', Buffer.alloc(1_000_000)), (fd) => hashFile(fd, ['sha256'], () => true));
  assert.deepEqual(found, { outcome: 'given-up' });
});

test('the identity of a file changes with its content, times, and when another takes its name', () => {
  const path = scratch('identity', 'one');
  const keys = new Set<string>();
  const note = (): void => void keys.add(withFile(path, (fd) => identityKey(fileIdentity(fd))));
  note();
  note();
  assert.equal(keys.size, 1);
  writeFileSync(path, 'two');
  note();
  utimesSync(path, 0, 0);
  note();
  renameSync(scratch('identity-2', 'two'), path);
  note();
  assert.equal(keys.size, 4);
});

test('the path of a descriptor is its bytes, also where they are no text', () => {
  const name = Buffer.concat([Buffer.from(join(directory, 'a\nb ')), Buffer.from([0xff, 0xc0])]);
  writeFileSync(name, '');
  assert.deepEqual(withFile(name, descriptorPath), name);
  const fd = openSync(name, 'r');
  unlinkSync(name);
  assert.deepEqual(descriptorPath(fd), Buffer.concat([name, Buffer.from(' (deleted)')]));
  closeSync(fd);
});

test('the path of a descriptor deeper than a page is unknown, not cut', () => {
  const start = process.cwd();
  const deep = join(directory, 'deep');
  mkdirSync(deep);
  process.chdir(deep);
  try {
    for (let i = 0; i < 20; i++) {
      mkdirSync('d'.repeat(250));
      process.chdir('d'.repeat(250));
    }
    writeFileSync('file', '');
    assert.equal(withFile('file', descriptorPath), undefined);
  } finally {
    process.chdir(start);
    spawnSync('rm', ['-r', deep]);
  }
});

test('the file system of a descriptor is known', { skip }, () => {
  using tmpfs = mountTmpfs();
  using ext4 = mountExt4();
  for (const [path, magic] of [
    [tmpfs.path, 0x01021994],
    [ext4.path, 0xef53],
  ] as const) {
    writeFileSync(join(path, 'file'), '');
    assert.equal(withFile(join(path, 'file'), fileSystemMagic), magic);
  }
});

test('the lease probe sees a writer, and that there is none', () => {
  const path = scratch('leased', 'x');
  withFile(path, (fd) => {
    assert.equal(probeWriters(fd), 'none');
    const writer = openSync(path, constants.O_WRONLY);
    assert.equal(probeWriters(fd), 'some');
    closeSync(writer);
    assert.equal(probeWriters(fd), 'none');
  });
});

test('what is kept from execution is executed as soon as it is let go', () => {
  const path = scratch('program', '#!/bin/sh\n');
  chmodSync(path, 0o700);
  const codes = (): unknown => spawnSync(path).error?.message.split(' ').at(-1);
  withFile(path, (fd) => {
    const kept = keepFromExecution(fd);
    assert.ok(kept !== undefined);
    assert.equal(codes() === 'ETXTBSY', isTextBusy());
    closeSync(kept);
    assert.equal(codes(), undefined);
  });
  assert.equal(withFile(process.execPath, keepFromExecution) === undefined, isTextBusy());
});

test('writers that open the file in the moment of the probe do not end this process', {
  timeout: 120_000,
}, async () => {
  const path = scratch('contested', 'x');
  const loop = `const fs = require('fs'); const end = Date.now() + 3000; let opened = 0;
    while (Date.now() < end) { fs.closeSync(fs.openSync(process.argv[1], 'r+')); opened++; }
    console.log(opened);`;
  const writer = spawn(process.execPath, ['--eval', loop, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(writer, 'exit');
  const seen = { none: 0, some: 0, unknown: 0 };
  withFile(path, (fd) => {
    const enough = (): boolean => seen.none > 1000 && seen.some > 0;
    for (const end = Date.now() + 60_000; !enough() && Date.now() < end; ) seen[probeWriters(fd)]++;
    assert.ok(enough(), JSON.stringify(seen));
  });
  assert.deepEqual(await exited, [0, null]);
});

test('who opens a file for writing waits until its lease is given up', { timeout: 60_000 }, async () => {
  const path = scratch('leased', 'content');
  const leases = new ReadLeases();
  const fd = openSync(path, 'r');
  assert.equal(leases.take(fd), true);
  assert.deepEqual(leases.broken(), []);
  const writer = spawn('/bin/sh', ['-c', 'echo more >> "$0"', path], { stdio: 'ignore' });
  const exited = once(writer, 'exit');
  while (leases.broken().length === 0) await delay(5);
  assert.equal(writer.exitCode, null, 'it waits');
  closeSync(fd);
  assert.deepEqual(await exited, [0, null]);
  const written = openSync(path, 'r+');
  const other = openSync(path, 'r');
  assert.equal(leases.take(other), false, 'somebody writes');
  for (const open of [written, other]) closeSync(open);
  leases.close();
});

test('a lock is taken once and can be taken again when it is given back', () => {
  const path = join(directory, 'lock');
  const unlock = lockFile(path);
  assert.ok(unlock);
  assert.equal(lockFile(path), undefined);
  unlock();
  const again = lockFile(path);
  assert.ok(again);
  again();
});

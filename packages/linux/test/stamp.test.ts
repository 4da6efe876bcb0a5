import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileIdentity, FileStatus, inodeFlags, sameFile, sameState } from '@assay/linux/files';
import { openFlags } from '@assay/linux/process';

const directory = mkdtempSync(join(tmpdir(), 'assay-stamp-'));
process.once('exit', () => rmSync(directory, { recursive: true, force: true }));

function opened<T>(path: string, look: (fd: number) => T): T {
  const fd = openSync(path, 'r');
  try {
    return look(fd);
  } finally {
    closeSync(fd);
  }
}

test('statx tells the same of a file as stat', () => {
  const path = join(directory, 'file');
  writeFileSync(path, 'content');
  opened(path, (fd) => {
    const status = new FileStatus().read(fd);
    assert.deepEqual(status.identity, fileIdentity(fd));
    assert.deepEqual([status.isRegular, status.size, status.owner], [true, 7, process.getuid?.()]);
    assert.equal(Math.floor(status.changeTime), Number(status.identity.changeTime / 1_000_000n));
  });
  assert.equal(
    opened(directory, (fd) => new FileStatus().read(fd).isRegular),
    false,
  );
});

test('a stamp fits its file until the file changes, and no other file', () => {
  const [path, other] = [join(directory, 'one'), join(directory, 'other')];
  writeFileSync(path, 'content');
  writeFileSync(other, 'content');
  const status = new FileStatus();
  const stamp = opened(path, (fd) => status.read(fd).stamp());
  assert.equal(
    opened(path, (fd) => status.read(fd).matches(stamp)),
    true,
  );
  writeFileSync(path, 'longer content');
  opened(path, (fd) => {
    assert.equal(status.read(fd).matches(stamp), false);
    const changed = status.stamp();
    assert.deepEqual([sameFile(stamp, changed), sameState(stamp, changed)], [true, false]);
  });
  opened(other, (fd) => assert.equal(sameFile(stamp, status.read(fd).stamp()), false));
});

test('a descriptor that is closed has no status', () => {
  assert.throws(() => new FileStatus().read(4_000_000), { code: 'SYSTEM-CALL', message: /EBADF/ });
});

test('flags of an inode are told, or the file system has none', () => {
  const flags = opened(import.meta.filename, inodeFlags);
  assert.ok(flags === undefined || Number.isInteger(flags));
});

test('no flags are told of a thread that opens nothing, or is none', () => {
  assert.deepEqual([openFlags(process.pid), openFlags(2 ** 31 - 1)], [undefined, undefined]);
});

import assert from 'node:assert/strict';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FileStatus } from '@assay/linux/files';
import { VerdictCache, verdictKey, type KnownFile } from '../src/gate/verdict-cache.ts';
import { scratchDirectory } from './support.ts';

function statusOf(path: string): FileStatus {
  const fd = openSync(path, 'r');
  try {
    return new FileStatus().read(fd);
  } finally {
    closeSync(fd);
  }
}

function known(status: FileStatus, epoch = 1): KnownFile {
  return { stamp: status.stamp(), epoch, verdicts: new Set(['exec']), uses: 0, digests: undefined, memory: undefined };
}

function isAllowed(cache: VerdictCache, status: FileStatus, epoch: number, key: string): boolean {
  return cache.allowing(status, epoch, key) !== undefined;
}

test('a verdict holds for its question, its policy and the state of its file', () => {
  using directory = scratchDirectory();
  const path = join(directory.path, 'file');
  writeFileSync(path, 'content');
  const cache = new VerdictCache();
  const status = statusOf(path);
  cache.put(status.inodeKey, known(status));
  assert.equal(isAllowed(cache, status, 1, 'exec'), true);
  assert.equal(isAllowed(cache, status, 1, verdictKey('exec', 'uid 7')), false);
  assert.equal(isAllowed(cache, status, 1, 'open 0'), false);
  assert.equal(isAllowed(cache, status, 2, 'exec'), false);
  writeFileSync(path, 'changed');
  const changed = statusOf(path);
  assert.equal(isAllowed(cache, changed, 1, 'exec'), false);
  assert.ok(cache.known(changed.stamp(), changed.inodeKey), 'the inode is the same');
});

test('two inodes that share a key are not taken for each other', () => {
  using directory = scratchDirectory();
  const [a, b] = ['a', 'b'].map((name) => {
    const path = join(directory.path, name);
    writeFileSync(path, 'content');
    return statusOf(path);
  });
  assert.ok(a !== undefined && b !== undefined);
  const cache = new VerdictCache();
  cache.put(b.inodeKey, known(a));
  assert.equal(isAllowed(cache, b, 1, 'exec'), false);
  assert.equal(cache.known(b.stamp(), b.inodeKey), undefined);
});

test('the oldest file goes when there are too many', () => {
  using directory = scratchDirectory();
  const cache = new VerdictCache(2);
  const all = ['a', 'b', 'c'].map((name) => {
    const path = join(directory.path, name);
    writeFileSync(path, name);
    const status = statusOf(path);
    cache.put(status.inodeKey, known(status));
    return status;
  });
  assert.equal(cache.size, 2);
  assert.deepEqual(
    all.map((status) => isAllowed(cache, status, 1, 'exec')),
    [false, true, true],
  );
});

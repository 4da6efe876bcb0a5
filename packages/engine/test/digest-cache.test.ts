import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmodSync, closeSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { mapForWriting } from '@assay/testkit/files';
import { cannotMount, mountExt4, mountTmpfs } from '@assay/testkit/mounts';
import { DigestCache } from '../src/digest-cache.ts';

const skip = cannotMount() ?? false;
/** Longer than the two ticks after which a file counts as settled. */
const settle = (): Promise<void> => delay(30);

/** Digest by the cache, checked against the content; and whether the file was read for it. */
function digestOf(cache: DigestCache, path: string): { right: boolean; read: boolean } {
  const fd = openSync(path, 'r');
  let read = false;
  const note = (): boolean => {
    read = true;
    return false;
  };
  try {
    const found = cache.digestOf(fd, note);
    assert.equal(found.outcome, 'hashed');
    const content = createHash('sha256').update(readFileSync(path)).digest();
    return { right: content.equals(found.digests.get('sha256') ?? Buffer.alloc(0)), read };
  } finally {
    closeSync(fd);
  }
}

const KNOWN = { right: true, read: false };
const HASHED = { right: true, read: true };

test('a file that nobody writes is read once', { skip }, async () => {
  using mount = mountExt4();
  const path = join(mount.path, 'file');
  writeFileSync(path, 'content');
  const cache = new DigestCache();
  await settle();
  assert.deepEqual(digestOf(cache, path), HASHED);
  assert.deepEqual(digestOf(cache, path), KNOWN);
});

test('a file that changed a moment ago is not kept where times are whole seconds', { skip }, () => {
  using mount = mountExt4('-I128');
  const path = join(mount.path, 'file');
  const cache = new DigestCache();
  writeFileSync(path, 'content');
  assert.deepEqual(digestOf(cache, path), HASHED);
  assert.equal(cache.size, 0);
});

const changes: [string, (path: string) => void][] = [
  ['a write', (path) => writeFileSync(path, 'changed')],
  [
    'another file under its name',
    (path) => {
      writeFileSync(`${path}.new`, 'changed');
      renameSync(`${path}.new`, path);
    },
  ],
  [
    'a store through a shared mapping',
    (path) => {
      using mapping = mapForWriting(path);
      mapping.store(0, Buffer.from('changed'));
    },
  ],
  ['a change of its mode', (path) => chmodSync(path, 0o755)],
];
for (const [what, change] of changes) {
  test(`${what} makes the file be read again`, { skip }, async () => {
    using mount = mountExt4();
    const path = join(mount.path, 'file');
    writeFileSync(path, 'content');
    const cache = new DigestCache();
    await settle();
    digestOf(cache, path);
    assert.equal(cache.size, 1);
    change(path);
    assert.deepEqual(digestOf(cache, path), HASHED);
  });
}

test('a file that somebody has open for writing is not kept', { skip }, async () => {
  using mount = mountExt4();
  const path = join(mount.path, 'file');
  writeFileSync(path, 'content');
  const cache = new DigestCache();
  const writer = openSync(path, 'r+');
  await settle();
  assert.deepEqual(digestOf(cache, path), HASHED);
  assert.equal(cache.size, 0);
  writeSync(writer, 'changed');
  closeSync(writer);
});

test('stores through a mapping that is dirty already are seen, though they leave the ctime as it is', {
  skip,
}, async () => {
  using mount = mountExt4();
  const path = join(mount.path, 'file');
  writeFileSync(path, 'content');
  const cache = new DigestCache();
  {
    using mapping = mapForWriting(path);
    mapping.store(0, Buffer.from('1'));
    await settle();
    assert.deepEqual(digestOf(cache, path), HASHED);
    mapping.store(0, Buffer.from('2'));
    assert.deepEqual(digestOf(cache, path), HASHED);
  }
  assert.equal(cache.size, 0);
  assert.deepEqual(digestOf(cache, path), HASHED);
  assert.deepEqual(digestOf(cache, path), KNOWN);
});

test('a writer that opens the file while it is hashed keeps it out', { skip }, async () => {
  using mount = mountExt4();
  const path = join(mount.path, 'file');
  writeFileSync(path, 'content');
  const cache = new DigestCache();
  await settle();
  const fd = openSync(path, 'r');
  let writer: number | undefined;
  cache.digestOf(fd, () => {
    writer ??= openSync(path, 'r+');
    return false;
  });
  closeSync(fd);
  assert.ok(writer !== undefined);
  closeSync(writer);
  assert.equal(cache.size, 0);
});

test('nothing on tmpfs is kept, where a store through a mapping leaves no trace', { skip }, async () => {
  using mount = mountTmpfs();
  const path = join(mount.path, 'file');
  writeFileSync(path, 'content');
  const cache = new DigestCache();
  await settle();
  assert.deepEqual(digestOf(cache, path), HASHED);
  assert.deepEqual(digestOf(cache, path), HASHED);
  assert.equal(cache.size, 0);
});

test('the oldest digest goes when there are too many', { skip }, async () => {
  using mount = mountExt4();
  const paths = ['a', 'b', 'c'].map((name) => join(mount.path, name));
  for (const path of paths) writeFileSync(path, path);
  const cache = new DigestCache(2);
  await settle();
  for (const path of paths) assert.deepEqual(digestOf(cache, path), HASHED);
  assert.equal(cache.size, 2);
  assert.deepEqual(
    paths.toReversed().map((path) => digestOf(cache, path)),
    [KNOWN, KNOWN, HASHED],
  );
});

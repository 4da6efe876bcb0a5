import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { enableCompileCache, getCompileCacheDir } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { endThread, startThread } from '@assay/linux/threads';

const SAYS = new URL('./threads/says.ts', import.meta.url);
const SLOW = new URL('./threads/slow.ts', import.meta.url);
const directory = mkdtempSync(join(tmpdir(), 'assay-threads-'));
after(() => rmSync(directory, { recursive: true, force: true }));

async function said(): Promise<unknown> {
  const worker = startThread(SAYS, { workerData: { of: 'the test' } });
  const messages: readonly unknown[] = await once(worker, 'message');
  await worker.terminate();
  return messages[0];
}

describe('a thread', () => {
  test('runs a module, with the data that it is given', async () => {
    assert.deepEqual(await said(), { data: { of: 'the test' }, compiled: getCompileCacheDir() });
  });

  test('keeps what it compiles where the process does', async () => {
    enableCompileCache(directory);
    const compiled = getCompileCacheDir();
    assert.ok(compiled?.startsWith(directory));
    assert.deepEqual(await said(), { data: { of: 'the test' }, compiled });
  });

  test('fails as its module does', async () => {
    const worker = startThread(new URL('./threads/missing.ts', import.meta.url), {});
    await assert.rejects(once(worker, 'message'), { code: 'ERR_MODULE_NOT_FOUND' });
    await endThread(worker);
  });

  // One that is ended while a native module loads takes the process with it.
  test('is ended when its module is loaded, not before', async () => {
    const isLoaded = new Int32Array(new SharedArrayBuffer(4));
    const worker = startThread(SLOW, { workerData: isLoaded });
    await endThread(worker);
    assert.deepEqual([worker.threadId, Atomics.load(isLoaded, 0)], [-1, 1]);
  });

  test('that fails while it loads is ended, too', async () => {
    const worker = startThread(new URL('./threads/missing.ts', import.meta.url), {});
    worker.on('error', () => undefined);
    await endThread(worker);
    assert.equal(worker.threadId, -1);
  });
});

import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { setEnvironmentData, Worker, type WorkerOptions } from 'node:worker_threads';

const BEGIN = new URL('./thread.js', import.meta.url);
/** Read by thread.js. */
const LOADED = 'assay.thread-loaded';
const loadedOf = new WeakMap<Worker, Int32Array<SharedArrayBuffer>>();

/**
 * Starts a module in a thread of its own. Threads do not share what the process keeps of compiled sources (`node:module`,
 * enableCompileCache) unless they ask for it: without, each compiles anew, which takes as long as hashing half a gigabyte.
 */
export function startThread(module: URL, options: Omit<WorkerOptions, 'argv' | 'eval'>): Worker {
  const compiled = getCompileCacheDir();
  // Node adds the part for its own version again.
  const argv = compiled === undefined ? [module.href] : [module.href, dirname(compiled)];
  const loaded = new Int32Array(new SharedArrayBuffer(4));
  setEnvironmentData(LOADED, loaded);
  const worker = new Worker(BEGIN, { ...options, argv });
  setEnvironmentData(LOADED, undefined);
  loadedOf.set(worker, loaded);
  return worker;
}

/**
 * Ends a thread as soon as its module is loaded: one that is ended while a native module is being loaded takes the whole
 * process with it (napi_throw fails then, which is fatal).
 */
export async function endThread(worker: Worker): Promise<void> {
  const loaded = loadedOf.get(worker);
  if (loaded !== undefined) await Promise.race([Atomics.waitAsync(loaded, 0, 0).value, hasEnded(worker)]);
  await worker.terminate();
}

/** When the thread has ended, whether by itself or by an error. */
export async function hasEnded(worker: Worker): Promise<void> {
  if (worker.threadId === -1) return;
  await new Promise((resolve) => worker.once('exit', resolve));
}

import { getCompileCacheDir } from 'node:module';
import { dirname } from 'node:path';
import { Worker, type WorkerOptions } from 'node:worker_threads';

const BEGIN = new URL('./thread.js', import.meta.url);

/**
 * Starts a module in a thread of its own. Threads do not share what the process keeps of compiled sources (`node:module`,
 * enableCompileCache) unless they ask for it: without, each compiles anew, which takes as long as hashing half a gigabyte.
 */
export function startThread(module: URL, options: Omit<WorkerOptions, 'argv' | 'eval'>): Worker {
  const compiled = getCompileCacheDir();
  // Node adds the part for its own version again.
  const argv = compiled === undefined ? [module.href] : [module.href, dirname(compiled)];
  return new Worker(BEGIN, { ...options, argv });
}

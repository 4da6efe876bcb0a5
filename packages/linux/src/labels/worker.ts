import { closeSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import type { LabelJob, LabelResult } from './job.ts';
import { LabelRunner } from './run.ts';

// One of the threads that `labelFiles` starts: descriptors come in, results go out, and the files are closed here.

function isJob(data: unknown): data is LabelJob {
  return typeof data === 'object' && data !== null && 'kind' in data;
}

async function runAll(runner: LabelRunner, fds: readonly number[]): Promise<LabelResult[]> {
  const results: LabelResult[] = [];
  for (const fd of fds) {
    results.push(await runner.run(fd));
    closeSync(fd);
  }
  return results;
}

const port = parentPort;
if (port === null || !isJob(workerData)) throw new Error('this module is the worker thread of pool.ts');
const runner = new LabelRunner(workerData);
port.postMessage([]);
let last = Promise.resolve();
port.on('message', (fds: readonly number[]) => {
  // One batch after the other, as the answers have to come in their order.
  last = last.then(async () => port.postMessage(await runAll(runner, fds)));
});

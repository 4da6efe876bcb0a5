import { parentPort, workerData } from 'node:worker_threads';
import { emptyResult, Scan, type ScanSetup } from './scan.ts';

// One of the threads that `simulate` starts: directories come in, and what was found in and below each goes out.

function isSetup(data: unknown): data is ScanSetup {
  return typeof data === 'object' && data !== null && 'rules' in data;
}

const setup: unknown = workerData;
if (!isSetup(setup)) throw new TypeError('this thread was given no policy');
const scan = new Scan(setup);

parentPort?.on('message', (path: string) => {
  const result = emptyResult();
  scan.tree(path, result);
  parentPort?.postMessage(result, []);
});

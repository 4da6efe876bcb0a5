// Becomes a program in an unusual way: WAY PATH
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import {
  becomeUser,
  executeByHandle,
  executeFromMemory,
  executePathDescriptor,
  executeUnnamed,
} from '@assay/testkit/files';

const NOBODY = 65_534;

const WAYS: Readonly<Record<string, (path: string) => void>> = {
  memory: executeFromMemory,
  path: executePathDescriptor,
  handle: executeByHandle,
  unnamed: executeUnnamed,
  /** By a thread that is root, in a process whose first thread is not. */
  thread: (path) => {
    const worker = new Worker(new URL(import.meta.url), { argv: ['path', path] });
    becomeUser(NOBODY);
    worker.postMessage('go on', []);
  },
};

const [way = '', path = ''] = process.argv.slice(2);
const become = (): void => {
  WAYS[way]?.(path);
};
if (isMainThread) become();
else parentPort?.once('message', become);

// Becomes a program in an unusual way: WAY PATH
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import {
  becomeUser,
  executeByHandle,
  executeDetached,
  executeFromMemory,
  executePathDescriptor,
  executeUnmounted,
  executeUnnamed,
} from '@assay/testkit/files';

const NOBODY = 65_534;

const WAYS: Readonly<Record<string, (path: string) => void>> = {
  memory: executeFromMemory,
  path: executePathDescriptor,
  handle: executeByHandle,
  detached: executeDetached,
  unmounted: executeUnmounted,
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

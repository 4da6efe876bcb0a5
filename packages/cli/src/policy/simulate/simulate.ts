import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { mergeTallies } from '@assay/core/preflight';
import { endThread, startThread } from '@assay/linux/threads';
import { emptyResult, Scan, type ScanResult, type ScanSetup } from './scan.ts';

const THREADS = Math.min(availableParallelism(), 16);
const THREAD = new URL('./worker.ts', import.meta.url);
/** Parts of a tree for each thread, so that none waits long for the largest. */
const PARTS = 24;

/**
 * Judges every file below the root of a scan, on all processors where it is large.
 * @param progress called now and then with the number of files
 */
export async function simulate(setup: ScanSetup, progress: (files: number) => void): Promise<ScanResult> {
  const scan = new Scan(setup);
  const found = emptyResult();
  const parts = split(scan, setup.root, found);
  const workers = Array.from({ length: parts.length < THREADS ? 0 : THREADS - 1 }, () => {
    return startThread(THREAD, { workerData: setup });
  });
  const take = (result: ScanResult): void => {
    add(found, result);
    progress(found.tally.total.files);
  };
  try {
    await Promise.all([
      ...workers.map(async (worker) => workOff(worker, parts, take)),
      workHere(scan, parts, found, () => progress(found.tally.total.files)),
    ]);
  } finally {
    await Promise.all(workers.map(endThread));
  }
  for (const file of found.linked.values()) scan.count(file, found.tally);
  return found;
}

/** Directories whose files are judged already, until there is enough to do for all threads. @returns the others */
function split(scan: Scan, root: string, found: ScanResult): string[] {
  let waiting = [root];
  while (waiting.length > 0 && waiting.length < THREADS * PARTS)
    waiting = waiting.flatMap((path) => scan.directory(path, found));
  return waiting;
}

/** This thread works, too: the others take a while to start. */
async function workHere(scan: Scan, waiting: string[], found: ScanResult, progress: () => void): Promise<void> {
  for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
    scan.tree(part, found);
    progress();
    await new Promise((resolve) => setImmediate(resolve)); // What the others found is taken in between.
  }
}

/** Gives the worker one part after the other. */
async function workOff(worker: Worker, waiting: string[], take: (result: ScanResult) => void): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const next = (): void => {
      const part = waiting.shift();
      if (part === undefined) resolve();
      else worker.postMessage(part, []);
    };
    worker.on('message', (result: ScanResult) => {
      take(result);
      next();
    });
    worker.on('error', reject);
    next();
  });
}

function add(into: ScanResult, { tally, linked, problems }: ScanResult): void {
  mergeTallies(into.tally, tally);
  for (const [identity, file] of linked) into.linked.set(identity, file);
  for (const problem of problems) into.problems.push(problem);
}

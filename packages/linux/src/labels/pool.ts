import { closeSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { Worker } from 'node:worker_threads';
import { AssayError } from '@assay/core/errors';
import { endThread, startThread } from '../threads/index.ts';
import type { OpenedFile, TreeProblem } from '../tree/index.ts';
import type { LabelJob, LabelResult } from './job.ts';
import { LabelRunner } from './run.ts';

/** One file, and what became of it. */
export interface LabelledFile<F extends Found = Found> {
  readonly found: F;
  readonly path: Buffer;
  /** Bytes of the file; 0 where it could not be opened. */
  readonly size: number;
  readonly result: LabelResult;
}

/** Only files have work; the others keep their place among the results. */
type Found = OpenedFile | TreeProblem | { readonly kind: 'passing'; readonly path: Buffer };

/** What is handed to a thread at once: enough that the handing over costs little, not so much that others wait. */
const BATCH_FILES = 64;
const BATCH_BYTES = 2 * 1024 * 1024;
/** What waits in a thread while this one hashes a file and can hand out nothing. */
const WAITING_BYTES = 16 * 1024 * 1024;
const WAITING_BATCHES = 8;
/** Starting threads costs as much as so many files, of which each costs as much as reading so many bytes. */
const FILES_ALONE = 2000;
const BYTES_LIKE_A_FILE = 32 * 1024;
/** Results wait for those before them, up to so many batches. */
const BATCHES_OPEN = 64;

/**
 * Does a job to all files that a walk finds, on several threads, of which this is one, and gives the results in the order
 * of the walk.
 */
export async function* labelFiles<F extends Found>(
  found: Iterable<F>,
  job: LabelJob,
  threads = availableParallelism(),
): AsyncGenerator<LabelledFile<F>> {
  const runner = new LabelRunner(job); // A key that cannot be opened is an error before any file is touched.
  const open: OpenBatch<F>[] = [];
  let pool: Pool<F> | undefined;
  const { files, waiting, begun } = paceOf(job);
  let work = begun;
  try {
    for (const batch of batchesOf(found, files)) {
      const one = new OpenBatch(batch);
      open.push(one);
      if (pool?.take(one) !== true) await one.runHere(runner);
      work += one.fds.length + one.bytes / BYTES_LIKE_A_FILE;
      if (work >= FILES_ALONE) pool ??= new Pool<F>(job, threads - 1, waiting);
      await turn();
      if (open.length >= BATCHES_OPEN) await open[0]?.done;
      while (open[0]?.results !== undefined) yield* open.shift()?.results ?? [];
    }
    for (const each of open.splice(0)) yield* await each.done;
  } finally {
    await Promise.allSettled(open.map((each) => each.done));
    await pool?.close();
  }
}

interface Pace {
  /** In a batch, at most. */
  readonly files: number;
  /** Batches of a thread, at most. */
  readonly waiting: number;
  readonly begun: number;
}

/** Where every file waits for another program or a token, they are handed out one by one, so that an end comes soon. */
function paceOf(job: LabelJob): Pace {
  const asksOthers = 'key' in job && 'source' in job.key && job.key.source.kind !== 'pem';
  if (asksOthers) return { files: 1, waiting: 2, begun: FILES_ALONE };
  return { files: BATCH_FILES, waiting: WAITING_BATCHES, begun: 0 };
}

/** Lets messages of the threads in. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function* batchesOf<F extends Found>(found: Iterable<F>, files: number): Generator<readonly F[], void> {
  let batch: F[] = [];
  let bytes = 0;
  for (const each of found) {
    batch.push(each);
    bytes += each.kind === 'file' ? each.size : 0;
    if (batch.length < files && bytes < BATCH_BYTES) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

class OpenBatch<F extends Found> {
  readonly done: Promise<readonly LabelledFile<F>[]>;
  readonly fds: readonly number[];
  readonly bytes: number;
  readonly #batch: readonly F[];
  readonly #settle: PromiseWithResolvers<readonly LabelledFile<F>[]>;
  /** Once they are there. */
  results: readonly LabelledFile<F>[] | undefined;

  constructor(batch: readonly F[]) {
    this.#batch = batch;
    this.fds = batch.flatMap((each) => (each.kind === 'file' ? [each.fd] : []));
    this.bytes = batch.reduce((sum, each) => sum + (each.kind === 'file' ? each.size : 0), 0);
    this.#settle = Promise.withResolvers();
    this.done = this.#settle.promise;
    this.done.catch(() => undefined); // It fails where it is awaited.
  }

  async runHere(runner: LabelRunner): Promise<void> {
    const results: LabelResult[] = [];
    for (const fd of this.fds) {
      results.push(await runner.run(fd));
      closeSync(fd);
    }
    this.finish(results);
  }

  finish(results: readonly LabelResult[]): void {
    if (results.length !== this.fds.length) {
      this.fail(new Error('a thread gave the results of other files'));
      return;
    }
    this.results = labelled(this.#batch, results);
    this.#settle.resolve(this.results);
  }

  fail(error: Error): void {
    this.#settle.reject(error);
  }
}

/** The results of a batch at the paths that they belong to. */
function labelled<F extends Found>(batch: readonly F[], results: readonly LabelResult[]): LabelledFile<F>[] {
  let next = 0;
  return batch.map((found) => {
    const { path } = found;
    if (found.kind === 'problem') return { found, path, size: 0, result: failure(found.error) };
    if (found.kind === 'passing') return { found, path, size: 0, result: { state: 'kept' } };
    const result = results[next] ?? failure(new Error('no result'));
    next += 1;
    return { found, path, size: found.size, result };
  });
}

function failure(error: Error): LabelResult {
  const code = error instanceof AssayError || 'code' in error ? String(error.code) : 'INTERNAL';
  return { state: 'failed', code, message: error.message };
}

class Pool<F extends Found> {
  readonly #threads: Thread<F>[];

  constructor(job: LabelJob, threads: number, waiting: number) {
    this.#threads = Array.from({ length: threads }, () => new Thread<F>(job, waiting));
  }

  /** @returns false where all threads are busy, or not running yet */
  take(batch: OpenBatch<F>): boolean {
    const free = this.#threads.find((thread) => thread.isFree);
    free?.run(batch);
    return free !== undefined;
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }
}

/** A worker says with its first message that it runs, and answers batches in the order in which it gets them. */
class Thread<F extends Found> {
  readonly #worker: Worker;
  readonly #most: number;
  readonly #waiting: OpenBatch<F>[] = [];
  #runs = false;
  #bytes = 0;

  /** @param most batches that wait in it */
  constructor(job: LabelJob, most: number) {
    this.#most = most;
    // Descriptors are opened in the thread that walks and closed in this one.
    const module = new URL('./worker.ts', import.meta.url);
    this.#worker = startThread(module, { workerData: job, trackUnmanagedFds: false });
    this.#worker.on('message', (results: readonly LabelResult[]) => {
      if (this.#runs) this.#finish(results);
      this.#runs = true;
    });
    this.#worker.on('error', (error: Error) => this.#end(error));
    this.#worker.on('exit', () => this.#end(new Error('a thread ended')));
  }

  #end(error: Error): void {
    this.#runs = false;
    for (const batch of this.#waiting.splice(0)) batch.fail(error);
  }

  #finish(results: readonly LabelResult[]): void {
    const batch = this.#waiting.shift();
    this.#bytes -= batch?.bytes ?? 0;
    batch?.finish(results);
  }

  get isFree(): boolean {
    return this.#runs && this.#waiting.length < this.#most && this.#bytes < WAITING_BYTES;
  }

  run(batch: OpenBatch<F>): void {
    this.#waiting.push(batch);
    this.#bytes += batch.bytes;
    this.#worker.postMessage(batch.fds, []);
  }

  async close(): Promise<void> {
    await endThread(this.#worker);
  }
}

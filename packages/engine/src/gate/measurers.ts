import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { MessageChannel, Worker } from 'node:worker_threads';
import { createDecider } from '../decision/decider.ts';
import { INLINE_BYTES } from './job.ts';
import type { MeasurerLine, MeasurerSetup } from './messages.ts';
import { RESOURCES } from './threads.ts';

/** Hashed in some 15 ms. */
const MIDDLE_BYTES = 16 * 1024 * 1024;

/** The measuring threads, and the reader's lines to them. */
export interface Measurers {
  readonly workers: readonly Worker[];
  readonly lines: readonly MeasurerLine[];
  /** When all of them can hash. Rejects where one cannot be started. */
  readonly ready: Promise<unknown>;
}

/** @param common `bell` is rung by the threads when they have answered */
export function startMeasurers(common: Pick<MeasurerSetup, 'bell' | 'decider' | 'signals'>): Measurers {
  const { decider } = common;
  const started = sizesOf(createDecider(decider).wantsClose, availableParallelism()).map((largest) => {
    const { port1: port, port2: reader } = new MessageChannel();
    const jobs = new SharedArrayBuffer(8);
    const setup: MeasurerSetup = { thread: 'measurer', ...common, jobs, reader };
    const options = { workerData: setup, transferList: [reader], resourceLimits: RESOURCES };
    return { worker: new Worker(new URL('./measurer.ts', import.meta.url), options), line: { port, jobs, largest } };
  });
  const workers = started.map(({ worker }) => worker);
  const ready = Promise.all(workers.map((worker) => once(worker, 'message')));
  return { workers, lines: started.map(({ line }) => line), ready };
}

/**
 * The largest file, in bytes, of each thread, in ascending order.
 * @param isAllAsked whether small files are theirs, too
 */
export function sizesOf(isAllAsked: boolean, processors: number): readonly number[] {
  const large = Math.min(4, Math.max(1, processors - 1));
  return [...(isAllAsked ? [INLINE_BYTES] : []), MIDDLE_BYTES, ...Array.from({ length: large }, () => Infinity)];
}

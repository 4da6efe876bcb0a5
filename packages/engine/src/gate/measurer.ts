import { parentPort, workerData } from 'node:worker_threads';
import { Bell, isTextBusy, keepFromExecution } from '@assay/linux/files';
import { isThroughMount } from '@assay/linux/mounts';
import { createDecider } from '../decision/decider.ts';
import { Jobs } from './jobs.ts';
import { Judge, type Case } from './judge.ts';
import type { MeasurerAnswer, MeasurerQuestion, MeasurerSetup } from './messages.ts';
import { WatchSignals } from '../watch-messages.ts';
import { warmUp } from './threads.ts';

// The thread that hashes large files while the reader answers for others. It ends when the reader says so.

function isSetup(data: unknown): data is MeasurerSetup {
  return typeof data === 'object' && data !== null && 'thread' in data && data.thread === 'measurer';
}

function answerTo({ kind, id, question }: MeasurerQuestion, judge: Judge): MeasurerAnswer {
  if (kind === 'occupy') return { kind: 'occupied', id, fd: occupied(question) };
  return { kind: 'judged', id, verdict: judge.verdict(question) };
}

/** What overlays execute is not the file of the event, but one of their own. */
function occupied({ fd, pid }: Case): number | undefined {
  return isTextBusy() && isThroughMount(fd, pid) ? keepFromExecution(fd) : undefined;
}

function answerAll({ reader: port, jobs, bell, decider, signals }: MeasurerSetup): void {
  const queue = new Jobs(jobs, port);
  const readersBell = new Bell(bell);
  const judge = new Judge(createDecider(decider), new WatchSignals(signals));
  warmUp(judge);
  parentPort?.postMessage({ kind: 'ready' }, []);
  for (let job = queue.next(); job !== undefined; job = queue.next()) {
    port.postMessage(answerTo(job, judge));
    readersBell.ring();
  }
  port.close();
}

if (!isSetup(workerData)) throw new Error('this module is a worker thread of gate.ts');
answerAll(workerData);

import { parentPort, workerData } from 'node:worker_threads';
import { Pulse } from '@assay/linux/process';
import { createDecider } from '../decision/decider.ts';
import { Lines } from './jobs.ts';
import { Judge } from './judge.ts';
import type { ReaderSetup } from './messages.ts';
import { ReaderLoop } from './reader-loop.ts';
import { WatchSignals } from '../watch-messages.ts';
import { hurry, warmUp } from './threads.ts';

// The thread that reads and answers the events of fanotify. It never returns to the event loop of Node until it ends.

function isSetup(data: unknown): data is ReaderSetup {
  return typeof data === 'object' && data !== null && 'thread' in data && data.thread === 'reader';
}

const port = parentPort;
if (port === null || !isSetup(workerData)) throw new Error('this module is a worker thread of gate.ts');
const setup = workerData;
const signals = new WatchSignals(setup.signals);
const judge = new Judge(createDecider(setup.decider), signals);
const measurers = new Lines(setup.measurers);
const pulse = setup.heartbeat === undefined ? undefined : new Pulse(setup.heartbeat);
hurry();
warmUp(judge);
const loop = new ReaderLoop({
  setup,
  judge,
  tell: (message) => port.postMessage(message),
  measurers,
  beat: () => pulse?.beat(),
});
port.postMessage({ kind: 'ready' });
signals.waitForBegin();
try {
  loop.run();
} finally {
  measurers.end();
}

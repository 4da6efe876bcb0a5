import { parentPort, workerData } from 'node:worker_threads';
import { PermissionGroup } from '@assay/linux/fanotify';
import { Readiness } from '@assay/linux/files';
import type { FailureMode } from '../gate/messages.ts';
import { isOfFamily } from './family.ts';
import { KeeperWords } from './keeper-words.ts';

// The thread of the supervisor that answers while no engine does. The main thread cannot: it waits in exec for the engine
// that it starts, which may be asked about.

export interface KeeperSetup {
  readonly group: number;
  readonly words: SharedArrayBuffer;
  readonly failure: FailureMode;
}

const LOOK_MS = 20;

function isSetup(data: unknown): data is KeeperSetup {
  return typeof data === 'object' && data !== null && 'words' in data && data.words instanceof SharedArrayBuffer;
}

/** Engines that start may open what they are asked about. Whoever else comes is answered as the failure mode says. */
function answerNew(group: PermissionGroup, { failure }: KeeperSetup): void {
  for (const { fd, pid, kind } of group.read().events) {
    if (kind !== 'closed') group.answer(fd, failure === 'open' || isOfFamily(pid));
    group.release(fd);
  }
}

function keep(setup: KeeperSetup, told: (what: 'begun' | 'rested') => void): void {
  const group = new PermissionGroup(setup.group);
  const readiness = new Readiness([setup.group]);
  const words = new KeeperWords(setup.words);
  while (words.waitForWork()) {
    group.answerLeft(setup.failure === 'open');
    told('begun');
    while (words.works) {
      readiness.wait(LOOK_MS);
      if (readiness.isReady(0)) answerNew(group, setup);
    }
    told('rested');
  }
}

const port = parentPort;
if (port === null || !isSetup(workerData)) throw new Error('this module is a worker thread of supervisor.ts');
keep(workerData, (what) => port.postMessage(what));

import { parentPort, workerData } from 'node:worker_threads';
import { utf8 } from '@assay/core/bytes';
import { SystemError } from '@assay/core/errors';
import { FanotifyGroup, type FanotifyEvent, type FanotifyRead } from '@assay/linux/fanotify';
import { descriptorPath, fileIdentity } from '@assay/linux/files';
import { DigestCache } from './digest-cache.ts';
import {
  WatchSignals,
  type LostMessage,
  type LostReason,
  type MeasuredMessage,
  type WatcherMessage,
  type WatcherSetup,
} from './watch-messages.ts';

// The watching thread: it sits in poll(2), hashes what was executed, and ends by itself when it is told to.

const POLL_MS = 200;
/** Messages that the engine has not acknowledged; with more the kernel's queue, which is bounded, has to hold the rest. */
const UNACKNOWLEDGED = 4096;
/** How long one file may take; in permission mode, with listing and extending. */
const FILE_LIMIT_MS = { notify: 60_000, permission: 2000 } as const;
/** How long what was executed before the stop may take. */
const DRAIN_LIMIT_MS = 5000;

class Watcher {
  readonly #group: FanotifyGroup;
  readonly #setup: WatcherSetup;
  readonly #signals: WatchSignals;
  readonly #post: (message: WatcherMessage) => void;
  readonly #cache = new DigestCache();
  #sequence = 0;
  /** In permission mode: a message whose acknowledgement came too late. Until it comes nobody is made to wait. */
  #late: number | undefined;
  #drainEnd = Infinity;

  constructor(group: FanotifyGroup, setup: WatcherSetup, post: (message: WatcherMessage) => void) {
    this.#group = group;
    this.#setup = setup;
    this.#signals = new WatchSignals(setup.signals);
    this.#post = post;
  }

  run(): void {
    while (!this.#stopping()) this.#take(this.#group.read(POLL_MS));
    this.#group.unmarkAll();
    for (;;) {
      const read = this.#group.read(0);
      if (read.events.length === 0 && !read.dropped) return;
      if (performance.now() > this.#drainEnd) {
        this.#lost('stopped');
        return;
      }
      this.#take(read);
    }
  }

  #stopping(): boolean {
    if (this.#signals.stopping && this.#drainEnd === Infinity) this.#drainEnd = performance.now() + DRAIN_LIMIT_MS;
    return this.#signals.stopping;
  }

  #take({ events, dropped }: FanotifyRead): void {
    if (dropped) this.#lost('event-dropped');
    for (const event of events) {
      if (event.overflow) this.#lost('queue-overflow');
      if (event.fd !== undefined) this.#finish(event, event.fd);
    }
  }

  /** Whatever goes wrong, the program is let run and the descriptor closed. */
  #finish(event: FanotifyEvent, fd: number): void {
    try {
      this.#measure(event, fd);
    } finally {
      if (this.#setup.mode === 'permission') this.#group.allow(event);
      this.#group.release(event);
    }
  }

  #measure(event: FanotifyEvent, fd: number): void {
    if (this.#setup.mode === 'permission' && event.pid === process.pid) return;
    const end = performance.now() + FILE_LIMIT_MS[this.#setup.mode];
    const path = pathOf(fd);
    const sha256 = this.#digest(fd, end);
    if (sha256 instanceof Uint8Array) {
      this.#send({ kind: 'measured', sequence: ++this.#sequence, path, sha256, pid: event.pid }, end);
    } else {
      this.#send({ kind: 'lost', sequence: ++this.#sequence, reason: sha256, path }, end);
    }
  }

  #digest(fd: number, end: number): Uint8Array | LostReason {
    try {
      const isOver = (): boolean => performance.now() > end || (this.#stopping() && performance.now() > this.#drainEnd);
      const found = this.#cache.digestOf(fd, isOver);
      if (found.outcome === 'changing') return 'file-changing';
      if (found.outcome === 'given-up') return 'file-slow';
      return found.digests.get('sha256') ?? 'file-unreadable';
    } catch {
      return 'file-unreadable';
    }
  }

  #lost(reason: LostReason, path?: Uint8Array): void {
    this.#post({ kind: 'lost', sequence: ++this.#sequence, reason, path });
  }

  #send(message: MeasuredMessage | LostMessage, end: number): void {
    this.#post(message);
    if (this.#setup.mode === 'notify') this.#keepDistance(message.sequence);
    else if (!this.#isListed(message.sequence, end) && message.kind === 'measured') {
      this.#lost('answer-late', message.path);
    }
  }

  /** Waits until the entry is listed and extended. While an earlier one is late nobody waits. */
  #isListed(sequence: number, end: number): boolean {
    const patience = this.#late === undefined || this.#signals.isAcknowledged(this.#late);
    const listed = this.#signals.waitFor(sequence, patience ? end - performance.now() : 0);
    this.#late = listed ? undefined : sequence;
    return listed;
  }

  /** Waits while the engine is far behind. */
  #keepDistance(sequence: number): void {
    const behind = (sequence - UNACKNOWLEDGED) | 0;
    while (!this.#signals.waitFor(behind, POLL_MS) && !(this.#stopping() && performance.now() > this.#drainEnd));
  }
}

/** A path that is longer than a page has no other name than the inode. */
function pathOf(fd: number): Uint8Array {
  const path = descriptorPath(fd);
  if (path !== undefined) return path;
  const { device, inode } = fileIdentity(fd);
  return utf8(`inode:${device}:${inode}`);
}

/** @throws SystemError NOT-PERMITTED, KERNEL-LACKS, SYSTEM-CALL */
function openGroup({ mode, mounts }: WatcherSetup): FanotifyGroup {
  const group = new FanotifyGroup(mode);
  try {
    for (const mount of mounts) group.markFileSystem(mount);
  } catch (error) {
    group.close();
    throw error;
  }
  return group;
}

function watch(setup: WatcherSetup, post: (message: WatcherMessage) => void): void {
  let group: FanotifyGroup;
  try {
    group = openGroup(setup);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    post({ kind: 'refused', code: error.code, message: error.message });
    return;
  }
  try {
    post({ kind: 'watching' });
    new Watcher(group, setup, post).run();
  } finally {
    group.close();
  }
}

function isSetup(data: unknown): data is WatcherSetup {
  return typeof data === 'object' && data !== null && 'signals' in data && data.signals instanceof SharedArrayBuffer;
}

const port = parentPort;
if (port === null || !isSetup(workerData)) throw new Error('this module is the worker thread of watch.ts');
watch(workerData, (message) => port.postMessage(message));

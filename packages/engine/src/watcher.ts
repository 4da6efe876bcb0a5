import { parentPort, workerData } from 'node:worker_threads';
import { utf8 } from '@assay/core/bytes';
import { SystemError } from '@assay/core/errors';
import { FanotifyGroup, type FanotifyEvent, type FanotifyRead } from '@assay/linux/fanotify';
import { ClockChanges, descriptorPath, fileIdentity } from '@assay/linux/files';
import { DigestCache } from './digest-cache.ts';
import { WatchSignals, type LostReason, type WatcherMessage, type WatcherSetup } from './watch-messages.ts';

// The watching thread: it sits in poll(2), hashes what was executed, and ends by itself when it is told to.

const POLL_MS = 200;
/** Messages that the engine has not acknowledged; with more the kernel's queue, which is bounded, has to hold the rest. */
const UNACKNOWLEDGED = 4096;
/** How long one file may take. */
const FILE_LIMIT_MS = 60_000;
/** How long what was executed before the stop may take. */
const DRAIN_LIMIT_MS = 5000;

class Watcher {
  readonly #group: FanotifyGroup;
  readonly #signals: WatchSignals;
  readonly #post: (message: WatcherMessage) => void;
  readonly #cache = new DigestCache();
  readonly #clock = new ClockChanges();
  #sequence = 0;
  #drainEnd = Infinity;

  constructor(group: FanotifyGroup, setup: WatcherSetup, post: (message: WatcherMessage) => void) {
    this.#group = group;
    this.#signals = new WatchSignals(setup.signals);
    this.#post = post;
  }

  run(): void {
    try {
      this.#watch();
    } finally {
      this.#clock.close();
    }
  }

  #watch(): void {
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
    if (this.#clock.happened()) this.#cache.forget();
    if (dropped) this.#lost('event-dropped');
    for (const event of events) {
      if (event.overflow) this.#lost('queue-overflow');
      if (event.fd !== undefined) this.#finish(event, event.fd);
    }
  }

  /** Whatever goes wrong, the descriptor is closed. */
  #finish(event: FanotifyEvent, fd: number): void {
    try {
      this.#measure(event, fd);
    } finally {
      this.#group.release(event);
    }
  }

  #measure(event: FanotifyEvent, fd: number): void {
    const path = pathOf(fd);
    const sha256 = this.#digest(fd, performance.now() + FILE_LIMIT_MS);
    if (sha256 instanceof Uint8Array) {
      this.#post({ kind: 'measured', sequence: ++this.#sequence, path, sha256, pid: event.pid });
    } else this.#lost(sha256, path);
    this.#keepDistance(this.#sequence);
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
function openGroup({ mounts }: WatcherSetup): FanotifyGroup {
  const group = new FanotifyGroup();
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

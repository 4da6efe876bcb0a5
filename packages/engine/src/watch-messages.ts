import type { SystemCode } from '@assay/core/errors';

/** What the watching thread is started with. */
export interface WatcherSetup {
  readonly mounts: readonly string[];
  /** Memory of `WatchSignals`. */
  readonly signals: SharedArrayBuffer;
}

export type LostReason =
  /** The kernel's queue was full. */
  | 'queue-overflow'
  /** The kernel could not open the file of an event. */
  | 'event-dropped'
  /** The file could not be read. */
  | 'file-unreadable'
  /** The file was written each time it was hashed. */
  | 'file-changing'
  /** The file took longer to hash than the engine waits. */
  | 'file-slow'
  /** In permission mode: the program ran before its measurement was complete. */
  | 'answer-late'
  /** A writer waited so long for the engine that the kernel let it go on, and the file may have run unasked since. */
  | 'writer-overdue'
  /** Something was executed, or mapped for execution, that no event had told of; the gate in the kernel saw it. */
  | 'ran-unasked'
  /** The engine ended before all was measured. */
  | 'stopped';

/** A file was executed. Paths are bytes as the kernel gives them. */
export interface MeasuredMessage {
  readonly kind: 'measured';
  readonly sequence: number;
  readonly path: Uint8Array;
  readonly sha256: Uint8Array;
  readonly pid: number;
}

/** A file was executed, or several were, that could not be measured. */
export interface LostMessage {
  readonly kind: 'lost';
  readonly sequence: number;
  readonly reason: LostReason;
  readonly path: Uint8Array | undefined;
}

/** From the watching thread to the engine. Those with a sequence number are acknowledged, in their order. */
export type WatcherMessage =
  | { readonly kind: 'watching' }
  | { readonly kind: 'refused'; readonly code: SystemCode; readonly message: string }
  | MeasuredMessage
  | LostMessage;

const ACKNOWLEDGED = 0;
const STOP = 1;
const BEGIN = 2;
const DOUBTS = 3;

/** Words that both threads see: the watching thread sits in system calls and gets no messages. */
export class WatchSignals {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;

  constructor(memory = new SharedArrayBuffer(16)) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
  }

  /** The engine is done with this message and all before it. */
  acknowledge(sequence: number): void {
    Atomics.store(this.#words, ACKNOWLEDGED, sequence);
    Atomics.notify(this.#words, ACKNOWLEDGED);
  }

  /** Blocks the thread until the message is acknowledged. @returns false after the time limit, in milliseconds */
  waitFor(sequence: number, limit: number): boolean {
    const end = performance.now() + limit;
    for (;;) {
      const acknowledged = Atomics.load(this.#words, ACKNOWLEDGED);
      if (isReached(acknowledged, sequence)) return true;
      const rest = end - performance.now();
      if (rest <= 0) return false;
      Atomics.wait(this.#words, ACKNOWLEDGED, acknowledged, rest);
    }
  }

  isAcknowledged(sequence: number): boolean {
    return isReached(Atomics.load(this.#words, ACKNOWLEDGED), sequence);
  }

  begin(): void {
    Atomics.store(this.#words, BEGIN, 1);
    Atomics.notify(this.#words, BEGIN);
  }

  /** Blocks the thread until it may begin, or has to stop. */
  waitForBegin(): void {
    Atomics.wait(this.#words, BEGIN, 0);
  }

  /** What is known of files and file systems by their numbers may not hold any more, from the next event on. */
  doubt(): void {
    Atomics.add(this.#words, DOUBTS, 1);
  }

  /** How often there was doubt. */
  get doubts(): number {
    return Atomics.load(this.#words, DOUBTS);
  }

  stop(): void {
    Atomics.store(this.#words, STOP, 1);
    this.begin();
  }

  get stopping(): boolean {
    return Atomics.load(this.#words, STOP) !== 0;
  }
}

/** Sequence numbers are 32 bits wide and go round. */
function isReached(acknowledged: number, sequence: number): boolean {
  return ((acknowledged - sequence) | 0) >= 0;
}

import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { SystemError } from '@assay/core/errors';
import type { DecidedMessage } from './gate/messages.ts';
import {
  WatchSignals,
  type LostMessage,
  type MeasuredMessage,
  type WatcherMessage,
  type WatcherSetup,
} from './watch-messages.ts';

/** The thread measures what is left for 5 s, and may sit in poll(2) or a slow read besides. */
const STOP_LIMIT_MS = 8000;

export interface WatchHandlers {
  readonly message: (message: MeasuredMessage | DecidedMessage | LostMessage) => void;
  /** The thread ended, asked or not; with the error that ended it. */
  readonly ended: (error: Error | undefined) => void;
}

/** The watching thread of notification mode, as the engine sees it. */
export class Watch {
  readonly #signals = new WatchSignals();
  readonly #worker: Worker;
  readonly #watching = Promise.withResolvers<void>();
  readonly #exited = Promise.withResolvers<void>();
  readonly #early: (MeasuredMessage | LostMessage)[] = [];
  #handlers: WatchHandlers | undefined;
  #failure: Error | undefined;

  private constructor(mounts: readonly string[]) {
    const setup: WatcherSetup = { mounts, signals: this.#signals.memory };
    this.#worker = new Worker(new URL('./watcher.ts', import.meta.url), { workerData: setup });
    this.#worker.on('message', (message: WatcherMessage) => this.#receive(message));
    this.#worker.once('error', (error) => {
      this.#failure = error instanceof Error ? error : new Error(String(error));
    });
    this.#worker.once('exit', () => this.#end());
  }

  /**
   * Starts the thread.
   * @returns when all mounts are watched
   * @throws SystemError NOT-PERMITTED, KERNEL-LACKS, SYSTEM-CALL
   */
  static async start(mounts: readonly string[]): Promise<Watch> {
    const watch = new Watch(mounts);
    await watch.#watching.promise;
    return watch;
  }

  /** Hands over the messages that came since the start, and all that follow. */
  connect(handlers: WatchHandlers): void {
    this.#handlers = handlers;
    for (const message of this.#early.splice(0)) handlers.message(message);
    void this.#exited.promise.then(() => handlers.ended(this.#failure));
  }

  acknowledge(sequence: number): void {
    this.#signals.acknowledge(sequence);
  }

  /** Lets the thread measure what is left and end; after a time limit it is ended. */
  async stop(): Promise<void> {
    this.#signals.stop();
    const limit = new AbortController();
    const late = delay(STOP_LIMIT_MS, 'late', { signal: limit.signal }).catch(() => 'aborted');
    if ((await Promise.race([this.#exited.promise, late])) === 'late') void this.#worker.terminate();
    limit.abort();
  }

  #receive(message: WatcherMessage): void {
    if (message.kind === 'watching') this.#watching.resolve();
    else if (message.kind === 'refused') this.#watching.reject(new SystemError(message.code, message.message));
    else if (this.#handlers === undefined) this.#early.push(message);
    else this.#handlers.message(message);
  }

  #end(): void {
    this.#watching.reject(this.#failure ?? new Error('the watching thread ended before it watched'));
    this.#exited.resolve();
  }
}

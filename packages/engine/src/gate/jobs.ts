import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import type { MeasurerQuestion } from './messages.ts';

const POSTED = 0;
const ENDED = 1;

/** Questions of the reading thread to the measuring one, which sleeps while there is none. */
export class Jobs {
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #port: MessagePort;

  /**
   * @param memory of both threads, 8 bytes
   * @param port to the other thread
   */
  constructor(memory: SharedArrayBuffer, port: MessagePort) {
    this.#words = new Int32Array(memory);
    this.#port = port;
  }

  post(question: MeasurerQuestion): void {
    this.#port.postMessage(question, []);
    this.#wake();
  }

  end(): void {
    Atomics.store(this.#words, ENDED, 1);
    this.#wake();
  }

  /** Blocks the thread until there is one. @returns undefined at the end */
  next(): MeasurerQuestion | undefined {
    while (Atomics.load(this.#words, ENDED) === 0) {
      const seen = Atomics.load(this.#words, POSTED);
      const received: { message: MeasurerQuestion } | undefined = receiveMessageOnPort(this.#port);
      if (received !== undefined) return received.message;
      Atomics.wait(this.#words, POSTED, seen);
    }
    return undefined;
  }

  #wake(): void {
    Atomics.add(this.#words, POSTED, 1);
    Atomics.notify(this.#words, POSTED);
  }
}

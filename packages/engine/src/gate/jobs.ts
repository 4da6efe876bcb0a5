import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import type { MeasurerAnswer, MeasurerLine, MeasurerQuestion } from './messages.ts';

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

/** The reader's end of all measuring threads. */
export class Lines {
  readonly #lines: readonly { readonly line: MeasurerLine; readonly jobs: Jobs; pending: number }[];

  /** @param lines by `largest`, in ascending order */
  constructor(lines: readonly MeasurerLine[]) {
    this.#lines = lines.map((line) => ({ line, jobs: new Jobs(line.jobs, line.port), pending: 0 }));
  }

  /** Asks the thread with the fewest questions of those that take files of this size, in bytes. */
  ask(question: MeasurerQuestion, size: number): void {
    const taking = this.#lines.filter(({ line }) => size <= line.largest);
    const [first, ...others] = taking.length > 0 ? taking : this.#lines;
    if (first === undefined) throw new Error('there is no measuring thread');
    const chosen = others.reduce((best, each) => (each.pending < best.pending ? each : best), first);
    chosen.pending++;
    chosen.jobs.post(question);
  }

  /** @returns undefined where no thread has answered since */
  answer(): MeasurerAnswer | undefined {
    for (const each of this.#lines) {
      const received: { message: MeasurerAnswer } | undefined = receiveMessageOnPort(each.line.port);
      if (received === undefined) continue;
      each.pending--;
      return received.message;
    }
    return undefined;
  }

  end(): void {
    for (const { jobs } of this.#lines) jobs.end();
  }
}

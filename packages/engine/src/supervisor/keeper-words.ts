const REST = 0;
const WORK = 1;
const END = 2;

/** What the supervisor tells its thread, which gets no messages. */
export class KeeperWords {
  readonly memory: SharedArrayBuffer;
  readonly #words: Int32Array<SharedArrayBuffer>;

  constructor(memory = new SharedArrayBuffer(4)) {
    this.memory = memory;
    this.#words = new Int32Array(memory);
  }

  work(): void {
    this.#set(WORK);
  }

  rest(): void {
    this.#set(REST);
  }

  end(): void {
    this.#set(END);
  }

  get works(): boolean {
    return Atomics.load(this.#words, 0) === WORK;
  }

  /** Blocks the thread. @returns false at the end */
  waitForWork(): boolean {
    Atomics.wait(this.#words, 0, REST);
    return Atomics.load(this.#words, 0) !== END;
  }

  #set(value: number): void {
    Atomics.store(this.#words, 0, value);
    Atomics.notify(this.#words, 0);
  }
}

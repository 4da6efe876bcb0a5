// Memory that two threads hand to each other, section by section, in a ring.
import { mostEntries, stride, type Banks } from './replay.ts';

export const SECTIONS = 4;
export const SECTION_BYTES = 512 * 1024;

/** Words of the control block. */
const STATE = 0;
const LENGTH = 1;
const ENTRIES = 2;

const FREE = 0;
const GIVEN = 1;
const DONE = 2;
const FAILED = 3;

export interface SectionMemory {
  readonly control: SharedArrayBuffer;
  readonly list: SharedArrayBuffer;
  readonly values: SharedArrayBuffer;
}

/** A part of a list on its way from the reader to the worker, and what it extends on the way back. */
export class Section {
  readonly bytes: Uint8Array;
  readonly list: DataView;
  readonly values: DataView;
  readonly #control: Int32Array<SharedArrayBuffer>;

  static allocate(banks: Banks): SectionMemory {
    return {
      control: new SharedArrayBuffer(12),
      list: new SharedArrayBuffer(SECTION_BYTES),
      values: new SharedArrayBuffer(mostEntries(SECTION_BYTES) * stride(banks)),
    };
  }

  constructor(memory: SectionMemory) {
    this.bytes = new Uint8Array(memory.list);
    this.list = new DataView(memory.list);
    this.values = new DataView(memory.values);
    this.#control = new Int32Array(memory.control);
  }

  /** Reader to worker: so many bytes of whole records are there. */
  give(length: number): void {
    this.#pass(LENGTH, length, GIVEN);
  }

  /** The worker's side of `give`. @returns the bytes that are there */
  receive(): number {
    Atomics.wait(this.#control, STATE, FREE);
    Atomics.wait(this.#control, STATE, DONE);
    return Atomics.load(this.#control, LENGTH);
  }

  /** Worker to reader: so many entries are in `values`. */
  finish(entries: number): void {
    this.#pass(ENTRIES, entries, DONE);
  }

  fail(): void {
    this.#pass(ENTRIES, 0, FAILED);
  }

  /** The reader's side of `finish`. */
  take(milliseconds: number): number {
    Atomics.wait(this.#control, STATE, GIVEN, milliseconds);
    const state = Atomics.load(this.#control, STATE);
    if (state !== DONE) throw new Error(state === FAILED ? 'the worker failed' : 'the worker does not answer');
    return Atomics.load(this.#control, ENTRIES);
  }

  #pass(word: number, value: number, state: number): void {
    Atomics.store(this.#control, word, value);
    Atomics.store(this.#control, STATE, state);
    Atomics.notify(this.#control, STATE);
  }
}

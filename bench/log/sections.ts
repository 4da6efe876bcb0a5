// Memory that threads hand to each other, section by section.
import { extendValues, mostEntries, stride, type Banks } from './replay.ts';

export const SECTION_BYTES = 512 * 1024;

/** Words of the control block of a section. */
const STATE = 0;
const LENGTH = 1;
const ENTRIES = 2;

const GIVEN = 1;
const CLAIMED = 2;
const DONE = 3;
const FAILED = 4;

export interface SectionMemory {
  readonly control: SharedArrayBuffer;
  readonly list: SharedArrayBuffer;
  readonly values: SharedArrayBuffer;
}

export function allocateSection(banks: Banks): SectionMemory {
  return {
    control: new SharedArrayBuffer(12),
    list: new SharedArrayBuffer(SECTION_BYTES),
    values: new SharedArrayBuffer(mostEntries(SECTION_BYTES) * stride(banks)),
  };
}

/** Whole records of a list, and what they extend once a thread has computed it. */
export class Section {
  readonly bytes: Uint8Array;
  readonly list: DataView;
  readonly values: DataView;
  readonly #control: Int32Array<SharedArrayBuffer>;

  constructor(memory: SectionMemory) {
    this.bytes = new Uint8Array(memory.list);
    this.list = new DataView(memory.list);
    this.values = new DataView(memory.values);
    this.#control = new Int32Array(memory.control);
  }

  /** So many bytes of whole records are there for whoever claims them first. */
  give(length: number): void {
    Atomics.store(this.#control, LENGTH, length);
    Atomics.store(this.#control, STATE, GIVEN);
  }

  claim(): boolean {
    return Atomics.compareExchange(this.#control, STATE, GIVEN, CLAIMED) === GIVEN;
  }

  /** To be called by the thread whose claim succeeded. */
  compute(banks: Banks): void {
    try {
      const length = Atomics.load(this.#control, LENGTH);
      Atomics.store(this.#control, ENTRIES, extendValues(this.list, length, banks, this.values).entries);
      Atomics.store(this.#control, STATE, DONE);
    } catch (error) {
      Atomics.store(this.#control, STATE, FAILED);
      throw error;
    } finally {
      Atomics.notify(this.#control, STATE);
    }
  }

  /** Waits for the thread that claimed the section. */
  wait(milliseconds: number): void {
    const outcome = Atomics.wait(this.#control, STATE, CLAIMED, milliseconds);
    if (outcome === 'timed-out') throw new Error('a worker does not answer');
    if (Atomics.load(this.#control, STATE) === FAILED) throw new Error('a worker failed');
  }

  get done(): boolean {
    return Atomics.load(this.#control, STATE) === DONE;
  }

  get entries(): number {
    return Atomics.load(this.#control, ENTRIES);
  }
}

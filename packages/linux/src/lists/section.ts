import { hashAlgorithm, type HashName } from '@assay/core/hash';
import { Extensions, type Digester } from '@assay/core/measurement';

export const SECTION_BYTES = 256 * 1024;
/** Entries in a section, of which few records are shorter than this; what has no room is left to the main thread. */
const SHORT_RECORD = 64;

/** Words of the control block. */
const STATE = 0;
const LENGTH = 1;
/** Where the number of the first entry is, of 8 bytes. */
const NUMBER_OFFSET = 8;

const GIVEN = 1;
const CLAIMED = 2;
const DONE = 3;

/** In place of the number of sections that were given, and far below zero: one that is given late changes nothing. */
export const ENDED = -(2 ** 31);

/** What threads share of a section. */
export interface SectionMemory {
  readonly control: SharedArrayBuffer;
  readonly list: SharedArrayBuffer;
  readonly extensions: SharedArrayBuffer;
}

export function allocateSection(banks: readonly HashName[]): SectionMemory {
  return {
    control: new SharedArrayBuffer(16),
    list: new SharedArrayBuffer(SECTION_BYTES),
    extensions: new SharedArrayBuffer(Extensions.bytesFor(SECTION_BYTES / SHORT_RECORD, sizesOf(banks))),
  };
}

/** Whole records of a list, and what they extend once a thread has computed it. */
export class Section {
  readonly bytes: Uint8Array;
  readonly list: DataView;
  readonly extensions: Extensions;
  readonly #control: Int32Array<SharedArrayBuffer>;
  readonly #number: Float64Array;

  constructor(memory: SectionMemory, banks: readonly HashName[]) {
    this.bytes = new Uint8Array(memory.list);
    this.list = new DataView(memory.list);
    this.extensions = new Extensions(memory.extensions, sizesOf(banks));
    this.#control = new Int32Array(memory.control);
    this.#number = new Float64Array(memory.control, NUMBER_OFFSET, 1);
  }

  get length(): number {
    return Atomics.load(this.#control, LENGTH);
  }

  get done(): boolean {
    return Atomics.load(this.#control, STATE) === DONE;
  }

  /** So many bytes of whole records are there for whoever claims them first. @param number of the first entry */
  give(length: number, number: number): void {
    this.#number[0] = number;
    Atomics.store(this.#control, LENGTH, length);
    Atomics.store(this.#control, STATE, GIVEN);
  }

  claim(): boolean {
    return Atomics.compareExchange(this.#control, STATE, GIVEN, CLAIMED) === GIVEN;
  }

  /** To be called by the thread whose claim succeeded. Where it cannot go on, the main thread does, and says why. */
  compute(digester: Digester): void {
    try {
      digester.records(this.list, { from: 0, end: this.length, number: this.#number[0] ?? 1 }, this.extensions);
    } catch {
      this.extensions.finish(0, 0, []);
    }
    Atomics.store(this.#control, STATE, DONE);
    Atomics.notify(this.#control, STATE);
  }

  /** Waits for the thread that claimed the section. @throws Error when it does not answer */
  async wait(milliseconds: number): Promise<void> {
    const { async, value } = Atomics.waitAsync(this.#control, STATE, CLAIMED, milliseconds);
    if (async && (await value) === 'timed-out') throw new Error('a thread that verifies a list does not answer');
  }
}

function sizesOf(banks: readonly HashName[]): number[] {
  return banks.map((bank) => hashAlgorithm(bank).size);
}

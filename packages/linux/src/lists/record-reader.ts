import { recordLayout, recordLength, type ListForm } from '@assay/core/measurement';
import { SECTION_BYTES, type Section } from './section.ts';
import type { ListSource } from './options.ts';

/** Reads a binary list in pieces that end where a record ends. */
export class RecordReader {
  readonly #source: ListSource;
  readonly #layout: ReturnType<typeof recordLayout>;
  readonly #rest = new Uint8Array(SECTION_BYTES);
  #restLength = 0;
  #number: number;
  #ended = false;

  /** @param number of the first entry */
  constructor(source: ListSource, form: ListForm, number: number) {
    this.#source = source;
    this.#number = number;
    this.#layout = recordLayout(form);
  }

  /** Nothing more comes in sections: the list is at its end, or has a record that is longer than one, or is no record. */
  get ended(): boolean {
    return this.#ended;
  }

  /** What was read and is in no section. */
  get rest(): Uint8Array {
    return this.#rest.subarray(0, this.#restLength);
  }

  /** Gives the section the next whole records. @returns false where there are none */
  async fill(section: Section): Promise<boolean> {
    section.bytes.set(this.rest);
    const read = await this.#source.read(section.bytes, this.#restLength);
    const filled = this.#restLength + read;
    const { end, entries, refused } = this.#wholeRecords(section.list, filled);
    this.#rest.set(section.bytes.subarray(end, filled));
    this.#restLength = filled - end;
    this.#ended = read === 0 || this.#restLength === SECTION_BYTES || refused;
    if (end === 0) return false;
    section.give(end, this.#number);
    this.#number += entries;
    return true;
  }

  #wholeRecords(list: DataView, filled: number): { end: number; entries: number; refused: boolean } {
    let end = 0;
    let entries = 0;
    for (;;) {
      const length = recordLength(list, end, filled, this.#layout, this.#number + entries);
      if (length <= 0) return { end, entries, refused: length < 0 };
      end += length;
      entries++;
    }
  }
}

// One thread: read a section, its template digests, the chain; again.
import { readSync } from 'node:fs';
import { extendValues, mostEntries, PcrChain, stride, type Banks } from './replay.ts';

const SECTION_BYTES = 1024 * 1024;

/** A list that is read piece by piece, in constant memory. */
export class ListReplay {
  readonly chain: PcrChain;
  readonly #banks: Banks;
  readonly #section = new Uint8Array(SECTION_BYTES);
  readonly #list = new DataView(this.#section.buffer);
  readonly #values: DataView;
  #filled = 0;

  constructor(banks: Banks) {
    this.#banks = banks;
    this.chain = new PcrChain(banks);
    this.#values = new DataView(new ArrayBuffer(mostEntries(SECTION_BYTES) * stride(banks)));
  }

  /** Reads on from where the file stands, to its end. @returns the number of entries */
  readAll(file: number): number {
    let total = 0;
    for (;;) {
      const read = readSync(file, this.#section, this.#filled, SECTION_BYTES - this.#filled, null);
      if (read === 0) break;
      this.#filled += read;
      total += this.#replaySection();
    }
    if (this.#filled > 0) throw new Error('the last record is not whole');
    return total;
  }

  #replaySection(): number {
    const { entries, consumed } = extendValues(this.#list, this.#filled, this.#banks, this.#values);
    this.chain.extend(this.#values, entries);
    this.#section.copyWithin(0, consumed, this.#filled);
    this.#filled -= consumed;
    return entries;
  }
}

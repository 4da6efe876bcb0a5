import type { HashName } from '../hash/index.ts';
import { AsciiEntries } from './ascii.ts';
import { parseBinaryList } from './binary.ts';
import type { ByteOrder, MeasurementEntry } from './entry.ts';
import { Held } from './held.ts';

/** What a list does not say of itself. */
export interface ListForm {
  readonly format: 'binary' | 'ascii';
  /** Bank of the template digests. */
  readonly bank: HashName;
  /** Default: `little`. */
  readonly byteOrder?: ByteOrder;
  /** See `ParseOptions`; an ascii list tells it. */
  readonly imaHash?: 'sha1' | 'md5';
}

/** Reads a list as its bytes come, in pieces of any size, in memory for one record and one piece. */
export interface EntryStream {
  /**
   * The entries that these bytes make whole. The bytes are copied: their memory may be used again.
   * @throws FormatError with entry number and offset in the list; after it the stream is of no use
   */
  push(bytes: Uint8Array): MeasurementEntry[];
  /**
   * The entries that only the end makes whole: in an ascii list the last one, which a line might have continued.
   * @throws FormatError BYTES-TRUNCATED where the last record is cut short
   */
  end(): MeasurementEntry[];
}

export function entryStream(form: ListForm): EntryStream {
  return form.format === 'ascii' ? new AsciiEntries(form) : new BinaryEntries(form);
}

class BinaryEntries implements EntryStream {
  readonly #form: ListForm;
  readonly #held = new Held();
  #entries = 0;
  #offset = 0;

  constructor(form: ListForm) {
    this.#form = form;
  }

  push(bytes: Uint8Array): MeasurementEntry[] {
    this.#held.append(bytes);
    return this.#parse('leave');
  }

  end(): MeasurementEntry[] {
    return this.#parse('refuse');
  }

  #parse(incompleteTail: 'leave' | 'refuse'): MeasurementEntry[] {
    const place = { firstEntry: this.#entries + 1, firstOffset: this.#offset };
    const { entries, consumed } = parseBinaryList(this.#held.bytes, { ...this.#form, ...place, incompleteTail });
    this.#held.drop(consumed);
    this.#entries += entries.length;
    this.#offset += consumed;
    return entries;
  }
}

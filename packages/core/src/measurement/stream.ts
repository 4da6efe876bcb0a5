import { FormatError } from '../errors/index.ts';
import { AsciiEntries } from './ascii.ts';
import { binaryEntries } from './binary.ts';
import type { MeasurementEntry } from './entry.ts';
import type { ListForm } from './form.ts';
import type { ListStart } from './rotation.ts';
import { Held } from './held.ts';

/** Reads a list as its bytes come, in pieces of any size, in memory for one record and one piece. */
export interface EntryStream {
  /**
   * The entries that these bytes make whole. The bytes are copied: their memory may be used again.
   * @throws FormatError with entry number and offset in the list, behind the entries before that place: where these bytes
   *   make some whole, the next call throws. After it the stream is of no use.
   */
  push(bytes: Uint8Array): MeasurementEntry[];
  /**
   * The entries that only the end makes whole: in an ascii list the last one, which a line might have continued.
   * @throws FormatError BYTES-TRUNCATED where the last record is cut short
   */
  end(): MeasurementEntry[];
}

/** @param before what is before the first entry, where the list begins after others */
export function entryStream(form: ListForm, before: Pick<ListStart, 'entries' | 'bytes'> = BEGINNING): EntryStream {
  const { entries, bytes: offset } = before;
  if (form.format === 'ascii') return new Entries(new AsciiEntries(form, { entry: entries + 1, line: 1, offset: 0 }));
  return new Entries(new BinaryEntries(form, entries, offset));
}

const BEGINNING = { entries: 0, bytes: 0 };

/** Adds the entries to a list of them, before it throws too. */
interface Reader {
  push(bytes: Uint8Array, entries: MeasurementEntry[]): void;
  end(): MeasurementEntry[];
}

class Entries implements EntryStream {
  readonly #reader: Reader;
  #failure: FormatError | undefined;

  constructor(reader: Reader) {
    this.#reader = reader;
  }

  push(bytes: Uint8Array): MeasurementEntry[] {
    if (this.#failure !== undefined) throw this.#failure;
    const entries: MeasurementEntry[] = [];
    try {
      this.#reader.push(bytes, entries);
    } catch (error) {
      if (!(error instanceof FormatError) || entries.length === 0) throw error;
      this.#failure = error;
    }
    return entries;
  }

  end(): MeasurementEntry[] {
    if (this.#failure !== undefined) throw this.#failure;
    return this.#reader.end();
  }
}

class BinaryEntries implements Reader {
  readonly #form: ListForm;
  readonly #held = new Held();
  #entries: number;
  #offset: number;

  constructor(form: ListForm, entries: number, offset: number) {
    this.#form = form;
    this.#entries = entries;
    this.#offset = offset;
  }

  push(bytes: Uint8Array, entries: MeasurementEntry[]): void {
    this.#held.append(bytes);
    const place = { firstEntry: this.#entries + 1, firstOffset: this.#offset };
    const read = binaryEntries(this.#held.bytes, { ...this.#form, ...place, incompleteTail: 'leave' });
    for (const entry of read) entries.push(entry);
    const consumed = entries.reduce((sum, { length }) => sum + length, 0);
    this.#held.drop(consumed);
    this.#entries += entries.length;
    this.#offset += consumed;
  }

  /** What is held is the beginning of a record at most. */
  end(): MeasurementEntry[] {
    const place = { firstEntry: this.#entries + 1, firstOffset: this.#offset };
    return [...binaryEntries(this.#held.bytes, { ...this.#form, ...place })];
  }
}

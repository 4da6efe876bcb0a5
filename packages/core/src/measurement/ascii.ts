import { concat, toHex, utf8 } from '../bytes/index.ts';
import { fromHexText } from './fields.ts';
import { FormatError } from '../errors/index.ts';
import { HASH_NAMES, hashAlgorithm, type HashName } from '../hash/index.ts';
import { isViolation } from './digests.ts';
import type { ByteOrder, EntryContent, MeasurementEntry } from './entry.ts';
import { Held } from './held.ts';
import { DATA_LIMIT, LAST_PCR } from './records.ts';
import { asciiFields, decodeContent, templateDataFromAscii } from './template-data.ts';
import { fieldsOf } from './templates.ts';

const SPACE = 0x20;
const NEWLINE = 0x0a;
/** Of bytes that one entry takes: the limit of binary template data, in hexadecimal, and room for the rest. */
const RECORD_LIMIT = 2 * DATA_LIMIT + 64 * 1024;

/**
 * One line of an ascii list, with its newline (ima_fs.c, ima_ascii_measurements_show). Names are written raw, as the
 * kernel does: a name with a newline breaks the line.
 */
export function encodeAsciiEntry(entry: EntryContent): Uint8Array {
  const head = `${String(entry.pcr).padStart(2)} ${toHex(entry.templateDigest)} ${entry.template}`;
  const fields = asciiFields(entry).flatMap((shown) => [Uint8Array.of(SPACE), shown]);
  return concat([utf8(head), ...fields, Uint8Array.of(NEWLINE)]);
}

export interface AsciiOptions {
  readonly bank: HashName;
  /** Order of the integers inside template data on the machine that wrote the list. Default: `little`. */
  readonly byteOrder?: ByteOrder;
}

/**
 * Reads an ascii measurement list. The form loses what a binary list has: a newline in a name looks like the end of a
 * line. Lines that do not begin as an entry does are taken as the rest of the name before; whether that was right shows
 * when the template digest is recomputed.
 * @throws FormatError with the entry number and its line
 */
export function parseAsciiList(bytes: Uint8Array, options: AsciiOptions): MeasurementEntry[] {
  const stream = new AsciiEntries(options);
  return [...stream.push(bytes), ...stream.end()];
}

/** Bank of an ascii list, by the length of the template digest in its first line. */
export function asciiBankOf(bytes: Uint8Array): HashName | undefined {
  const head = /^[ 12]\d ([0-9a-f]+) /.exec(latin1(bytes.subarray(0, 200)))?.[1] ?? '';
  return HASH_NAMES.find((name) => name !== 'md5' && hashAlgorithm(name).size * 2 === head.length);
}

/** An ascii list whose bytes come in pieces (see `EntryStream`). */
export class AsciiEntries {
  readonly #options: AsciiOptions;
  /** From the beginning of the last record that has begun. */
  readonly #held = new Held();
  /** Of that record. */
  #place: { readonly entry: number; readonly line: number; readonly offset: number };
  /** The newline in `#held` that ends the record, unless the next line goes on with it. */
  #end: number | undefined;
  /** How far newlines have been looked for. */
  #searched = 0;
  #line: number;

  /** @param place of the first record */
  constructor(options: AsciiOptions, place = { entry: 1, line: 1, offset: 0 }) {
    this.#options = options;
    this.#place = place;
    this.#line = place.line;
  }

  /** What is not an entry yet, and the line on which it begins. */
  get rest(): { readonly bytes: Uint8Array; readonly line: number } {
    return { bytes: this.#held.bytes.slice(), line: this.#place.line };
  }

  /** @param entries to which those read are added, also where the next one is refused */
  push(bytes: Uint8Array, entries: MeasurementEntry[] = []): MeasurementEntry[] {
    this.#held.append(bytes);
    const { bytes: held } = this.#held;
    let start = 0;
    for (let newline = this.#newline(held); newline >= 0; newline = this.#newline(held)) {
      const lineStart = this.#end === undefined ? start : this.#end + 1;
      if (this.#end !== undefined && beginsEntry(held, lineStart, this.#options.bank)) {
        entries.push(this.#read(held.subarray(start, this.#end)));
        start = lineStart;
      }
      this.#end = newline;
      this.#line++;
    }
    this.#keepFrom(start);
    return entries;
  }

  end(): MeasurementEntry[] {
    const { bytes: held } = this.#held;
    if (held.length !== (this.#end ?? -1) + 1) {
      throw new FormatError('BYTES-TRUNCATED', `line ${this.#line} has no end`, { line: this.#line });
    }
    if (this.#end === undefined) return [];
    const last = this.#read(held.subarray(0, this.#end));
    this.#end = undefined;
    this.#keepFrom(held.length);
    return [last];
  }

  #newline(held: Uint8Array): number {
    const newline = held.indexOf(NEWLINE, this.#searched);
    this.#searched = newline < 0 ? held.length : newline + 1;
    return newline;
  }

  #keepFrom(start: number): void {
    this.#held.drop(start);
    this.#searched -= start;
    if (this.#end !== undefined) this.#end -= start;
    this.#limit(this.#held.bytes.length);
  }

  /** @throws FormatError BYTES-LIMIT, also for a record that has no end in sight */
  #limit(length: number): void {
    if (length <= RECORD_LIMIT) return;
    const { entry, line } = this.#place;
    throw new FormatError('BYTES-LIMIT', `entry ${entry} at line ${line} is over ${RECORD_LIMIT} bytes`, this.#place);
  }

  #read(record: Uint8Array): MeasurementEntry {
    this.#limit(record.length);
    const place = this.#place;
    this.#place = { entry: place.entry + 1, line: this.#line, offset: place.offset + record.length + 1 };
    try {
      return entryOf(record, place, this.#options);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      const message = `entry ${place.entry} at line ${place.line}: ${error.message}`;
      throw new FormatError(error.code, message, { ...error.place, ...place });
    }
  }
}

/** `%2d <hex of the bank's size> ` */
function beginsEntry(bytes: Uint8Array, start: number, bank: HashName): boolean {
  const hex = hashAlgorithm(bank).size * 2;
  const head = latin1(bytes.subarray(start, start + 4 + hex));
  return head.length === 4 + hex && /^[ 12]\d [0-9a-f]+ $/.test(head);
}

function entryOf(
  record: Uint8Array,
  place: { readonly entry: number; readonly offset: number },
  options: AsciiOptions,
): MeasurementEntry {
  const [pcrText, digestHex, template, rest] = splitHead(record);
  const pcr = Number(pcrText);
  if (!/^[ 12]\d$/.test(pcrText) || pcr > LAST_PCR)
    throw new FormatError('LIST-PCR', 'the line does not begin with a PCR');
  const templateDigest = fromHexText(utf8(digestHex));
  if (templateDigest.length !== hashAlgorithm(options.bank).size) {
    throw new FormatError('LIST-FIELD', `the template digest is not of the ${options.bank} bank`);
  }
  const shown = splitFields(rest, fieldsOf(template).length);
  const templateData = templateDataFromAscii(template, shown, options.byteOrder ?? 'little');
  const order = options.byteOrder === 'big' ? ({ byteOrder: 'big' } as const) : {};
  const content = { pcr, templateDigest, template, templateData, ...order };
  const { entry: number, offset } = place;
  const fields = decodeContent(content);
  return { ...content, number, offset, length: record.length + 1, fields, violation: isViolation(content) };
}

/** PCR (two characters), template digest and template name, and what follows the blank after them. */
function splitHead(record: Uint8Array): [string, string, string, Uint8Array] {
  const digestEnd = record.indexOf(SPACE, 3);
  const nameEnd = digestEnd < 0 ? -1 : record.indexOf(SPACE, digestEnd + 1);
  if (nameEnd < 0 || record[2] !== SPACE) {
    throw new FormatError('LIST-FIELD', 'the line is not a PCR, a template digest, a template and its fields');
  }
  const text = latin1(record.subarray(0, nameEnd));
  return [text.slice(0, 2), text.slice(3, digestEnd), text.slice(digestEnd + 1), record.subarray(nameEnd + 1)];
}

/** One blank between fields, an empty field between two: blanks in names are `_` already when they are measured. */
function splitFields(rest: Uint8Array, count: number): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let start = 0;
  for (;;) {
    const blank = rest.indexOf(SPACE, start);
    parts.push(rest.subarray(start, blank < 0 ? rest.length : blank));
    if (blank < 0) break;
    start = blank + 1;
  }
  if (parts.length !== count) throw new FormatError('LIST-FIELD', `${parts.length} fields, the template has ${count}`);
  return parts;
}

function latin1(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
}

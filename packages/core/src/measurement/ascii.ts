import { concat, toHex, utf8 } from '../bytes/index.ts';
import { fromHexText } from './fields.ts';
import { FormatError } from '../errors/index.ts';
import { HASH_NAMES, hashAlgorithm, type HashName } from '../hash/index.ts';
import { isViolation } from './digests.ts';
import type { ByteOrder, EntryContent, MeasurementEntry } from './entry.ts';
import { asciiFields, decodeContent, templateDataFromAscii } from './template-data.ts';
import { fieldsOf } from './templates.ts';

const SPACE = 0x20;
const NEWLINE = 0x0a;
const LAST_PCR = 23;

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
  return records(bytes, options.bank).map((record, index) => {
    const place = { entry: index + 1, line: record.line, offset: record.start };
    try {
      return entryOf(bytes.subarray(record.start, record.end), place, options);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      throw new FormatError(error.code, `entry ${place.entry} at line ${place.line}: ${error.message}`, {
        ...error.place,
        ...place,
      });
    }
  });
}

/** Bank of an ascii list, by the length of the template digest in its first line. */
export function asciiBankOf(bytes: Uint8Array): HashName | undefined {
  const head = /^[ 12]\d ([0-9a-f]+) /.exec(latin1(bytes.subarray(0, 200)))?.[1] ?? '';
  return HASH_NAMES.find((name) => name !== 'md5' && hashAlgorithm(name).size * 2 === head.length);
}

interface RecordPlace {
  readonly start: number;
  /** Without the newline. */
  readonly end: number;
  readonly line: number;
}

function records(bytes: Uint8Array, bank: HashName): RecordPlace[] {
  const found: RecordPlace[] = [];
  let line = 1;
  for (let start = 0; start < bytes.length; line++) {
    const newline = bytes.indexOf(NEWLINE, start);
    if (newline < 0) throw new FormatError('BYTES-TRUNCATED', `line ${line} has no end`, { line });
    const before = found.at(-1);
    if (before === undefined || beginsEntry(bytes, start, bank)) found.push({ start, end: newline, line });
    else found[found.length - 1] = { ...before, end: newline };
    start = newline + 1;
  }
  return found;
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

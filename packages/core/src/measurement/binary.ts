import { ByteReader, isAllZero, utf8 } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import { hashAlgorithm, type HashName } from '../hash/index.ts';
import { isViolation } from './digests.ts';
import type { ByteOrder, EntryContent, MeasurementEntry } from './entry.ts';
import { QuickEntries } from './quick-entry.ts';
import { DATA_LIMIT, LAST_PCR, TEMPLATE_NAME_LIMIT } from './records.ts';
import { decodeContent, takeOldTemplateData } from './template-data.ts';
import { isOldTemplate } from './templates.ts';

export interface ParseOptions {
  /** Bank of the template digests in this list; SHA-1 for files without a suffix. */
  readonly bank: HashName;
  /** Number and byte offset of the first record, where `bytes` continue a list. Defaults: 1 and 0. */
  readonly firstEntry?: number;
  readonly firstOffset?: number;
  /** `leave` stops before a record that is not whole yet: a list that is read while it grows. Default: `refuse`. */
  readonly incompleteTail?: 'refuse' | 'leave';
  /** `big` for lists of big-endian machines that run without `ima_canonical_fmt`. Default: `little`. */
  readonly byteOrder?: ByteOrder;
  /**
   * `md5` for a list of template `ima` with `ima_hash=md5`, which nothing in it tells: digests are 16 bytes long, but those
   * of boot_aggregate and of violations 20. Default: `sha1`.
   */
  readonly imaHash?: 'sha1' | 'md5';
  /** Refuses, with LIST-TEMPLATE, every template but those for which it says true. */
  readonly accept?: (template: string) => boolean;
}

type Frame = EntryContent & { readonly end: number };

/**
 * Reads a binary measurement list (ima_fs.c, ima_measurements_show).
 * @returns the entries, and how many of the bytes they take
 * @throws FormatError with the entry number and the offset in the list
 */
export function parseBinaryList(
  bytes: Uint8Array,
  options: ParseOptions,
): { entries: MeasurementEntry[]; consumed: number } {
  const entries = [...binaryEntries(bytes, options)];
  return { entries, consumed: entries.reduce((sum, { length }) => sum + length, 0) };
}

/** The same one by one: what is wrong with a record is thrown behind the entries before it. */
export function* binaryEntries(bytes: Uint8Array, options: ParseOptions): Generator<MeasurementEntry> {
  const firstOffset = options.firstOffset ?? 0;
  const quick = new QuickEntries(bytes, options);
  let number = options.firstEntry ?? 1;
  for (let start = 0; start < bytes.length; number++) {
    const place = { entry: number, offset: firstOffset + start };
    const entry = quick.at(start, place);
    if (entry !== undefined) {
      yield entry;
      start += entry.length;
      continue;
    }
    const frame = placed(place, () => readRecord(bytes, start, place.entry, options));
    if (frame === undefined) return;
    yield placed(place, () => entryOf(frame, place, start));
    start = frame.end;
  }
}

function entryOf(
  { end, ...content }: Frame,
  place: { entry: number; offset: number },
  start: number,
): MeasurementEntry {
  return {
    ...content,
    number: place.entry,
    offset: place.offset,
    length: end - start,
    fields: decodeContent(content),
    violation: isViolation(content),
  };
}

/** @returns undefined for a record that is not whole, where the options allow it. */
function readRecord(bytes: Uint8Array, offset: number, number: number, options: ParseOptions): Frame | undefined {
  const littleEndian = options.byteOrder !== 'big';
  try {
    return readFrame(new ByteReader(bytes, 'measurement list', { littleEndian, offset }), number, options);
  } catch (error) {
    const incomplete = error instanceof FormatError && error.code === 'BYTES-TRUNCATED';
    if (incomplete && options.incompleteTail === 'leave') return undefined;
    throw error;
  }
}

function readFrame(reader: ByteReader, number: number, options: ParseOptions): Frame {
  const pcr = reader.u32('pcr');
  if (pcr > LAST_PCR) throw new FormatError('LIST-PCR', `PCR ${pcr} does not exist`);
  const templateDigest = reader.take(hashAlgorithm(options.bank).size, 'template digest');
  const name = reader.take(reader.length32('template name length', TEMPLATE_NAME_LIMIT), 'template name');
  if (!name.every(isNameByte)) throw new FormatError('LIST-TEMPLATE', 'the template name has unprintable characters');
  const template = String.fromCharCode(...name);
  if (options.accept?.(template) === false) {
    throw new FormatError('LIST-TEMPLATE', `template ${JSON.stringify(template)} is not accepted here`);
  }
  const templateData = isOldTemplate(template)
    ? takeOldTemplateData(reader, oldDigestSize(number, templateDigest, options))
    : reader.take(reader.length32('template data length', DATA_LIMIT), 'template data');
  const order = options.byteOrder === 'big' ? ({ byteOrder: 'big' } as const) : {};
  return { pcr, templateDigest, template, templateData, ...order, end: reader.offset };
}

function oldDigestSize(number: number, templateDigest: Uint8Array, { imaHash }: ParseOptions): number {
  return imaHash === 'md5' && number > 1 && !isAllZero(templateDigest) ? 16 : 20;
}

function isNameByte(byte: number): boolean {
  return byte > 0x20 && byte < 0x7f;
}

/** Adds the place in the list to an error from inside a record. */
function placed<T>(place: { entry: number; offset: number }, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new FormatError(error.code, `entry ${place.entry} at offset ${place.offset}: ${error.message}`, {
      ...error.place,
      ...place,
    });
  }
}

/** One record of a binary list, in the bank of the entry's template digest and in the entry's byte order. */
export function encodeBinaryEntry(entry: EntryContent): Uint8Array {
  const record = new Uint8Array(recordSize(entry));
  writeRecord(record, 0, entry);
  return record;
}

/** The records of several entries: views of one piece of memory, which costs less than one for each. */
export function encodeBinaryEntries(entries: readonly EntryContent[]): Uint8Array[] {
  const all = new Uint8Array(entries.reduce((sum, entry) => sum + recordSize(entry), 0));
  let start = 0;
  return entries.map((entry) => {
    const from = start;
    start = writeRecord(all, from, entry);
    return all.subarray(from, start);
  });
}

function recordSize({ template, templateDigest, templateData }: EntryContent): number {
  return 8 + templateDigest.length + template.length + (isOldTemplate(template) ? 0 : 4) + templateData.length;
}

/** @returns where the record ends */
function writeRecord(to: Uint8Array, start: number, entry: EntryContent): number {
  const { pcr, template, templateDigest, templateData, byteOrder } = entry;
  const view = new DataView(to.buffer, to.byteOffset);
  const little = byteOrder !== 'big';
  view.setUint32(start, pcr, little);
  to.set(templateDigest, start + 4);
  let at = start + 4 + templateDigest.length;
  view.setUint32(at, template.length, little);
  to.set(utf8(template), at + 4);
  at += 4 + template.length;
  if (!isOldTemplate(template)) {
    view.setUint32(at, templateData.length, little);
    at += 4;
  }
  to.set(templateData, at);
  return at + templateData.length;
}

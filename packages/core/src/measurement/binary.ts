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
  const name = utf8(entry.template);
  const { templateDigest, templateData } = entry;
  const hasLength = !isOldTemplate(entry.template);
  const data = 8 + templateDigest.length + name.length + (hasLength ? 4 : 0);
  const record = new Uint8Array(data + templateData.length);
  const view = new DataView(record.buffer);
  const little = entry.byteOrder !== 'big';
  view.setUint32(0, entry.pcr, little);
  record.set(templateDigest, 4);
  view.setUint32(4 + templateDigest.length, name.length, little);
  record.set(name, 8 + templateDigest.length);
  if (hasLength) view.setUint32(data - 4, templateData.length, little);
  record.set(templateData, data);
  return record;
}

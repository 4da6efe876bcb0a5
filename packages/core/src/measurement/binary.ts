import { ByteReader, ByteWriter, utf8 } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import { hashAlgorithm, type HashName } from '../hash/index.ts';
import { isViolation } from './digests.ts';
import type { EntryContent, EntryFields, MeasurementEntry } from './entry.ts';
import { decodeFields, encodeFields } from './fields.ts';
import { fieldsOf, type TemplateName } from './templates.ts';

/** Longest template name: 15 fields of 16 characters and the bars between them. */
const NAME_LIMIT = 15 * 17;
/** Far over any xattr, certificate or critical data that the kernel measures; far under what hurts. */
const DATA_LIMIT = 16 * 1024 * 1024;
const LAST_PCR = 23;

export interface ParseOptions {
  /** Bank of the template digests in this list; SHA-1 for files without a suffix. */
  readonly bank: HashName;
  /** Number and byte offset of the first record, where `bytes` continue a list. Defaults: 1 and 0. */
  readonly firstEntry?: number;
  readonly firstOffset?: number;
  /** `leave` stops before a record that is not whole yet: a list that is read while it grows. Default: `refuse`. */
  readonly incompleteTail?: 'refuse' | 'leave';
}

/**
 * Reads a binary measurement list (ima_fs.c, ima_measurements_show), little-endian.
 * @returns the entries, and how many of the bytes they take
 * @throws FormatError with the entry number and the offset in the list
 */
export function parseBinaryList(
  bytes: Uint8Array,
  options: ParseOptions,
): { entries: MeasurementEntry[]; consumed: number } {
  const entries: MeasurementEntry[] = [];
  const firstEntry = options.firstEntry ?? 1;
  const firstOffset = options.firstOffset ?? 0;
  let consumed = 0;
  while (consumed < bytes.length) {
    const place = { entry: firstEntry + entries.length, offset: firstOffset + consumed };
    const frame = placed(place, () => readRecord(bytes, consumed, options));
    if (frame === undefined) break;
    const { end, ...content } = frame;
    const fields = placed(place, () => decodeFields(fieldsOf(content.template), content.templateData));
    const length = end - consumed;
    entries.push({
      ...content,
      number: place.entry,
      offset: place.offset,
      length,
      fields,
      violation: isViolation(content),
    });
    consumed = end;
  }
  return { entries, consumed };
}

/** @returns undefined for a record that is not whole, where the options allow it. */
function readRecord(
  bytes: Uint8Array,
  offset: number,
  options: ParseOptions,
): (EntryContent & { end: number }) | undefined {
  try {
    return readFrame(new ByteReader(bytes, 'measurement list', { littleEndian: true, offset }), options.bank);
  } catch (error) {
    const incomplete = error instanceof FormatError && error.code === 'BYTES-TRUNCATED';
    if (incomplete && options.incompleteTail === 'leave') return undefined;
    throw error;
  }
}

function readFrame(reader: ByteReader, bank: HashName): EntryContent & { end: number } {
  const pcr = reader.u32('pcr');
  if (pcr > LAST_PCR) throw new FormatError('LIST-PCR', `PCR ${pcr} does not exist`);
  const templateDigest = reader.take(hashAlgorithm(bank).size, 'template digest');
  const name = reader.take(reader.length32('template name length', NAME_LIMIT), 'template name');
  if (!name.every(isNameByte)) throw new FormatError('LIST-TEMPLATE', 'the template name has unprintable characters');
  const template = String.fromCharCode(...name);
  if (template === 'ima') {
    throw new FormatError('LIST-TEMPLATE', 'template ima is not read by this version');
  }
  const templateData = reader.take(reader.length32('template data length', DATA_LIMIT), 'template data');
  return { pcr, templateDigest, template, templateData, end: reader.offset };
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

/** Template data as it is hashed and stored: each field with its length in front, little-endian. */
export function encodeTemplateData(template: TemplateName, fields: EntryFields): Uint8Array {
  return encodeFields(fieldsOf(template), fields);
}

/** One record of a binary list, in the bank of the entry's template digest. */
export function encodeBinaryEntry(entry: EntryContent): Uint8Array {
  const name = utf8(entry.template);
  return new ByteWriter({ littleEndian: true })
    .u32(entry.pcr)
    .bytes(entry.templateDigest)
    .u32(name.length)
    .bytes(name)
    .u32(entry.templateData.length)
    .bytes(entry.templateData)
    .finish();
}

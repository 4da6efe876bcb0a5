import { hashAlgorithm } from '../hash/index.ts';
import { SHORT_NAME_LIMIT } from './fields.ts';
import type { ListForm } from './form.ts';

/** What tells where the records of a binary list end. */
export interface RecordLayout {
  /** Bytes of the recorded template digests. */
  readonly digestSize: number;
  readonly little: boolean;
  readonly md5: boolean;
}

export function recordLayout({ bank, byteOrder, imaHash }: ListForm): RecordLayout {
  return { digestSize: hashAlgorithm(bank).size, little: byteOrder !== 'big', md5: imaHash === 'md5' };
}

/** Of TPMs that the kernel uses. */
export const LAST_PCR = 23;
/** Longest template name: 15 fields of 16 characters and the bars between them. */
export const TEMPLATE_NAME_LIMIT = 15 * 17;
/** Of template data: far over any xattr, certificate or critical data that the kernel measures; far under what hurts. */
export const DATA_LIMIT = 16 * 1024 * 1024;

/**
 * Length of the record at `at` of a binary list; 0 where it is not whole before `end`, -1 where a length is over its limit.
 * Only `parseBinaryList` says whether it is a record that may be.
 * @param number of the entry, which tells the length of its digest in a list with `ima_hash=md5`
 */
export function recordLength(list: DataView, at: number, end: number, layout: RecordLayout, number: number): number {
  const { digestSize, little } = layout;
  const name = at + 8 + digestSize;
  if (name > end) return 0;
  const nameLength = list.getUint32(name - 4, little);
  if (nameLength > TEMPLATE_NAME_LIMIT) return -1;
  const afterName = name + nameLength;
  if (afterName + 4 > end) return 0;
  if (isIma(list, name, nameLength)) {
    const digest = layout.md5 && number > 1 && !isZeroDigest(list, at + 4, digestSize) ? 16 : 20;
    return oldLength(list, at, afterName + digest, end, little);
  }
  const length = list.getUint32(afterName, little);
  if (length > DATA_LIMIT) return -1;
  const after = afterName + 4 + length;
  return after > end ? 0 : after - at;
}

/** Template `ima`: after the digest the length of the name, and the name. */
function oldLength(list: DataView, at: number, afterDigest: number, end: number, little: boolean): number {
  if (afterDigest + 4 > end) return 0;
  const length = list.getUint32(afterDigest, little);
  if (length > SHORT_NAME_LIMIT) return -1;
  const after = afterDigest + 4 + length;
  return after > end ? 0 : after - at;
}

function isIma(list: DataView, name: number, length: number): boolean {
  return length === 3 && list.getUint16(name) === 0x696d && list.getUint8(name + 2) === 0x61;
}

/** Whether `list[at, at + size)` is zero, which is how a violation is recorded. */
export function isZeroDigest(list: DataView, at: number, size: number): boolean {
  for (let index = 0; index < size; index += 4) if (list.getUint32(at + index) !== 0) return false;
  return true;
}

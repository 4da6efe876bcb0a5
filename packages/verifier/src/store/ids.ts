import { FormatError } from '@assay/core/errors';

// Sequences of whole numbers as differences: zigzag, then seven bits a byte, the lowest first. Numbers that were given one
// after the other take one byte each.

/** A number of seven bits a byte takes at most this many bytes up to 2^53. */
const MOST_BYTES = 8;

/** @param ids whole numbers from 0 to 2^52 */
export function encodeIds(ids: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(ids.length * MOST_BYTES);
  let length = 0;
  let before = 0;
  for (const id of ids) {
    let rest = zigzag(id - before);
    before = id;
    while (rest >= 0x80) {
      bytes[length++] = (rest % 0x80) + 0x80;
      rest = Math.floor(rest / 0x80);
    }
    bytes[length++] = rest;
  }
  return bytes.slice(0, length);
}

/** @throws FormatError BYTES-TRUNCATED when the last number is cut off */
export function decodeIds(bytes: Uint8Array): number[] {
  const ids: number[] = [];
  let value = 0;
  let scale = 1;
  let before = 0;
  for (const byte of bytes) {
    value += (byte % 0x80) * scale;
    scale *= 0x80;
    if (byte >= 0x80) continue;
    before += unzigzag(value);
    ids.push(before);
    [value, scale] = [0, 1];
  }
  if (scale !== 1) throw new FormatError('BYTES-TRUNCATED', 'a sequence of numbers ends within one');
  return ids;
}

function zigzag(difference: number): number {
  return difference < 0 ? -2 * difference - 1 : 2 * difference;
}

function unzigzag(value: number): number {
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

import { Pinned } from './openssl.ts';

const CAPACITY = 16 * 1024;
/** The padding of a message that fills the stage but for a byte takes a block of SHA-512 more. */
const PADDING = 2 * 128;
/** Up to this length a loop over words copies faster than `set`, which needs an object for its source. */
const LOOP_LIMIT = 256;

/** Where messages are copied to and padded, so that C never reads the memory of a caller. */
export class Stage {
  readonly capacity = CAPACITY;
  readonly address: number;
  readonly #view: DataView;

  constructor() {
    const pinned = new Pinned(CAPACITY + PADDING);
    this.address = pinned.address;
    this.#view = new DataView(pinned.bytes.buffer);
  }

  /** Copies `source[start, start + length)` to `offset`; a range outside of either is an error of DataView. */
  copy(source: DataView, start: number, length: number, offset: number): void {
    copyBytes(this.#view, offset, source, start, length);
  }

  /** Pads a message of `total` bytes, of which the last `fill` are staged. @returns how many bytes are staged now */
  pad(fill: number, total: number, block: 64 | 128): number {
    return padMessage(this.#view, 0, fill, total, block);
  }
}

/**
 * Copies `source[start, start + length)` to `target[offset]`, in the byte order in which the processor moves words.
 * @throws RangeError outside of either view
 */
export function copyBytes(target: DataView, offset: number, source: DataView, start: number, length: number): void {
  if (length > LOOP_LIMIT) {
    const bytes = new Uint8Array(target.buffer, target.byteOffset, target.byteLength);
    bytes.set(new Uint8Array(source.buffer, source.byteOffset + start, length), offset);
    return;
  }
  let index = 0;
  for (; index + 8 <= length; index += 8) {
    target.setBigUint64(offset + index, source.getBigUint64(start + index, true), true);
  }
  if (index + 4 <= length) {
    target.setUint32(offset + index, source.getUint32(start + index, true), true);
    index += 4;
  }
  for (; index < length; index++) target.setUint8(offset + index, source.getUint8(start + index));
}

/**
 * Padding of a message of `total` bytes, of which the last `fill` stand at `at`: a bit, zeros, and the length in bits
 * (FIPS 180-4, section 5.1).
 * @returns how many bytes stand there now, a multiple of `block`
 */
export function padMessage(view: DataView, at: number, fill: number, total: number, block: 64 | 128): number {
  const length = (fill + 1 + block / 8 + block - 1) & -block;
  const end = at + length;
  view.setUint8(at + fill, 0x80);
  // The last of these words may reach into the length, which is written after them.
  for (let index = at + fill + 1; index < end - 8; index += 8) view.setBigUint64(index, 0n, true);
  view.setUint32(end - 8, Math.floor(total / 0x2000_0000));
  view.setUint32(end - 4, total * 8);
  return length;
}

import { checkRange } from '../bytes/index.ts';
import { hashAlgorithm, type HashName } from './algorithms.ts';
import type { Hasher } from './port.ts';

/** Digests of one algorithm, from memory to memory, for callers that make millions of them. */
export interface InPlaceHash {
  /** Bytes of a digest. */
  readonly size: number;
  /**
   * Writes the digest of `bytes[start, end)` to `out[offset, offset + size)`; the two may overlap.
   * @throws RangeError when a range is not inside its view
   */
  into(bytes: DataView, start: number, end: number, out: DataView, offset: number): void;
  /**
   * Does that for the first `count` messages of `spans`, of which each is three numbers: start, end, and offset without
   * `shift`. No digest may be written over a message.
   * @throws RangeError when a range is not inside its view
   */
  each(bytes: DataView, spans: Int32Array, count: number, out: DataView, shift: number): void;
  /**
   * Replaces `value[at, at + size)` by the digest of itself and `by[from, from + size)`, as TPM2_PCR_Extend does
   * (TPM 2.0 Part 1, section 17.2).
   * @throws RangeError when a range is not inside its view
   */
  extend(value: DataView, at: number, by: DataView, from: number): void;
}

/** Where core gets such hashes from. @throws SystemError HASH-UNAVAILABLE */
export type InPlaceHashes = (algorithm: HashName) => InPlaceHash;

/** The same by any hasher. */
export function plainInPlaceHash(hasher: Hasher, algorithm: HashName): InPlaceHash {
  const { size } = hashAlgorithm(algorithm);
  const into: InPlaceHash['into'] = (bytes, start, end, out, offset) => {
    slice(out, offset, offset + size).set(hasher.digest(algorithm, slice(bytes, start, end)));
  };
  return {
    size,
    into,
    each(bytes, spans, count, out, shift) {
      for (let span = 0; span < 3 * count; span += 3) {
        const [start = 0, end = 0, offset = 0] = spans.subarray(span, span + 3);
        into(bytes, start, end, out, offset + shift);
      }
    },
    extend(value, at, by, from) {
      const target = slice(value, at, at + size);
      target.set(hasher.digest(algorithm, target, slice(by, from, from + size)));
    },
  };
}

function slice(view: DataView, start: number, end: number): Uint8Array {
  checkRange(view, start, end);
  return new Uint8Array(view.buffer, view.byteOffset + start, end - start);
}

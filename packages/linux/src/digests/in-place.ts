import { hashAlgorithm, type HashName } from '@assay/core/hash';
import { nodeHasher } from '@assay/core/node';
import { checkRange } from './range.ts';
import { blockHash } from './open.ts';

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
   * Replaces `value[at, at + size)` by the digest of itself and `by[from, from + size)`, as TPM2_PCR_Extend does
   * (TPM 2.0 Part 1, section 17.2).
   * @throws RangeError when a range is not inside its view
   */
  extend(value: DataView, at: number, by: DataView, from: number): void;
}

/**
 * The fastest there is for the algorithm in this thread. For SHA-1 and SHA-2 a digest costs one foreign call and allocates
 * nothing.
 */
export function inPlaceHash(algorithm: HashName): InPlaceHash {
  return blockHash(algorithm) ?? nodeInPlaceHash(algorithm);
}

/** The same by node:crypto, for every algorithm. */
export function nodeInPlaceHash(algorithm: HashName): InPlaceHash {
  const { size } = hashAlgorithm(algorithm);
  return {
    size,
    into(bytes, start, end, out, offset) {
      const target = slice(out, offset, offset + size);
      target.set(nodeHasher.digest(algorithm, slice(bytes, start, end)));
    },
    extend(value, at, by, from) {
      const target = slice(value, at, at + size);
      target.set(nodeHasher.digest(algorithm, target, slice(by, from, from + size)));
    },
  };
}

function slice(view: DataView, start: number, end: number): Uint8Array {
  checkRange(view, start, end);
  return new Uint8Array(view.buffer, view.byteOffset + start, end - start);
}

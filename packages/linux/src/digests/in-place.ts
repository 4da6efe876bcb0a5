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
      checkRange(bytes, start, end);
      checkRange(out, offset, offset + size);
      const message = new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
      new Uint8Array(out.buffer, out.byteOffset + offset, size).set(nodeHasher.digest(algorithm, message));
    },
  };
}

import { plainInPlaceHash, type HashName, type InPlaceHash } from '@assay/core/hash';
import { nodeHasher } from '@assay/core/node';
import { blockHash } from './open.ts';

/**
 * The fastest there is for the algorithm in this thread. For SHA-1 and SHA-2 a digest costs one foreign call, or an eighth
 * of one where there are many, and allocates nothing.
 */
export function inPlaceHash(algorithm: HashName): InPlaceHash {
  return blockHash(algorithm) ?? plainInPlaceHash(nodeHasher, algorithm);
}

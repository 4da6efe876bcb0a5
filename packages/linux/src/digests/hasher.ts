import type { Hasher } from '@assay/core/hash';
import { nodeHasher } from '@assay/core/node';
import { blockHash } from './open.ts';

/** SHA-1 and SHA-2 with one foreign call each, everything else by node:crypto. */
export const fastHasher: Hasher = {
  digest: (algorithm, ...parts) => blockHash(algorithm)?.of(parts) ?? nodeHasher.digest(algorithm, ...parts),
  hmac: (algorithm, key, ...parts) => nodeHasher.hmac(algorithm, key, ...parts),
};

import type { HashName } from './algorithms.ts';

/**
 * Where core gets its digests from: core itself has no I/O and no dependency, so the caller brings them
 * (`nodeCrypto` of `@assay/core/node`, or something faster).
 */
export interface Hasher {
  /** Digest of the concatenated parts. @throws SystemError HASH-UNAVAILABLE where it cannot compute the algorithm. */
  digest(algorithm: HashName, ...parts: readonly Uint8Array[]): Uint8Array;
  /** HMAC (RFC 2104) of the concatenated parts. */
  hmac(algorithm: HashName, key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array;
}

import { createHash, createHmac, type Hash } from 'node:crypto';
import { SystemError } from '../errors/index.ts';
import type { Hasher, HashName } from '../hash/index.ts';

/** Digests by Node's OpenSSL. */
export const nodeHasher: Hasher = {
  digest(algorithm, ...parts) {
    const hash = hashOf(algorithm);
    for (const part of parts) hash.update(part);
    return hash.digest();
  },
  hmac(algorithm, key, ...parts) {
    const hmac = createHmac(algorithm, key);
    for (const part of parts) hmac.update(part);
    return hmac.digest();
  },
};

/** OpenSSL has none of the kernel's rarer algorithms, and MD4 only in its legacy provider. */
function hashOf(algorithm: HashName): Hash {
  try {
    return createHash(algorithm);
  } catch (cause) {
    throw new SystemError('HASH-UNAVAILABLE', `OpenSSL does not compute ${algorithm} here`, { cause });
  }
}

import { createHash, createHmac, hash } from 'node:crypto';
import { SystemError } from '../errors/index.ts';
import type { Hasher } from '../hash/index.ts';

/** Digests by Node's OpenSSL, which has none of the kernel's rarer algorithms, and MD4 only in its legacy provider. */
export const nodeHasher: Hasher = {
  digest(algorithm, ...parts) {
    const [first] = parts;
    try {
      // A buffer of its own for each digest would cost more than the way through text.
      if (first !== undefined && parts.length === 1) return Buffer.from(hash(algorithm, first, 'binary'), 'binary');
      const state = createHash(algorithm);
      for (const part of parts) state.update(part);
      return state.digest();
    } catch (cause) {
      throw new SystemError('HASH-UNAVAILABLE', `OpenSSL does not compute ${algorithm} here`, { cause });
    }
  },
  hmac(algorithm, key, ...parts) {
    const hmac = createHmac(algorithm, key);
    for (const part of parts) hmac.update(part);
    return hmac.digest();
  },
};

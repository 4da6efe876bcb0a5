import { createHash, createHmac } from 'node:crypto';
import type { Hasher } from '../hash/index.ts';

/** Digests by Node's OpenSSL. */
export const nodeHasher: Hasher = {
  digest(algorithm, ...parts) {
    const hash = createHash(algorithm);
    for (const part of parts) hash.update(part);
    return hash.digest();
  },
  hmac(algorithm, key, ...parts) {
    const hmac = createHmac(algorithm, key);
    for (const part of parts) hmac.update(part);
    return hmac.digest();
  },
};

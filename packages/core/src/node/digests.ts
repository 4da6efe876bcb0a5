import { createHash, createHmac, hash } from 'node:crypto';
import { SystemError } from '../errors/index.ts';
import type { Hasher } from '../hash/index.ts';

/** For a pair of digests, which is what PCRs are extended by: two parts take Node twice as long as one. */
const PAIR = new Uint8Array(128);

/** A buffer of its own for each digest would cost more than the way through text. */
function oneShot(algorithm: string, bytes: Uint8Array): Uint8Array {
  return Buffer.from(hash(algorithm, bytes, 'binary'), 'binary');
}

/** Undefined where there are more parts than one, and more bytes than in a pair of digests. */
function onePart([first, second, ...others]: readonly Uint8Array[]): Uint8Array | undefined {
  if (first === undefined || second === undefined) return first;
  const length = first.length + second.length;
  if (others.length > 0 || length > PAIR.length) return undefined;
  PAIR.set(first);
  PAIR.set(second, first.length);
  return PAIR.subarray(0, length);
}

/** Digests by Node's OpenSSL, which has none of the kernel's rarer algorithms, and MD4 only in its legacy provider. */
export const nodeHasher: Hasher = {
  digest(algorithm, ...parts) {
    try {
      const whole = onePart(parts);
      if (whole !== undefined) return oneShot(algorithm, whole);
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

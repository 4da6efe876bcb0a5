import { isOnCurve } from './curves.ts';
import type { PublicKey } from './types.ts';

const MIN_MODULUS_BYTES = 256;

/** Why a key is too weak or no key at all; null where it is neither. */
export function weaknessOf(key: PublicKey): string | null {
  if (key.kind === 'ecc') return isOnCurve(key) ? null : 'its point is not on its curve';
  if (key.modulus.length < MIN_MODULUS_BYTES) return `its modulus has only ${key.modulus.length * 8} bits`;
  if (((key.modulus.at(-1) ?? 0) & 1) === 0) return 'its modulus is even';
  // FIPS 186-4 B.3.1 wants more than 2^16; TPMs use 65537 unless told otherwise.
  if (key.exponent <= 0x10000 || key.exponent % 2 === 0) return `its exponent is ${key.exponent}`;
  return null;
}

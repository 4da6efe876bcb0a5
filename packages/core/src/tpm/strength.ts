import { FormatError, type VerificationError } from '../errors/index.ts';
import type { HashName } from '../hash/index.ts';
import { isOnCurve, type PublicKey } from '../keys/index.ts';
import { publicKeyOf, type ParsedPublic } from './structures/public.ts';

const MIN_MODULUS_BYTES = 256;
const STRONG_HASHES: readonly HashName[] = ['sha256', 'sha384', 'sha512'];

export function isStrongHash(hash: HashName): boolean {
  return STRONG_HASHES.includes(hash);
}

/**
 * The key of a public area, if it is one and strong enough.
 * @param refused makes the error that says why not
 * @throws what `refused` makes
 */
export function soundKeyOf(area: ParsedPublic, refused: (reason: string) => VerificationError): PublicKey {
  const key = keyOf(area, refused);
  const weakness = weaknessOf(key);
  if (weakness !== null) throw refused(weakness);
  return key;
}

function keyOf(area: ParsedPublic, refused: (reason: string) => VerificationError): PublicKey {
  try {
    return publicKeyOf(area);
  } catch (error) {
    if (error instanceof FormatError) throw refused(error.message);
    throw error;
  }
}

/** Why a key is too weak or no key at all; null where it is neither. */
function weaknessOf(key: PublicKey): string | null {
  if (key.kind === 'ecc') return isOnCurve(key) ? null : 'its point is not on its curve';
  if (key.modulus.length < MIN_MODULUS_BYTES) return `its modulus has only ${key.modulus.length * 8} bits`;
  if (((key.modulus.at(-1) ?? 0) & 1) === 0) return 'its modulus is even';
  // FIPS 186-4 B.3.1 wants more than 2^16; TPMs use 65537 unless told otherwise.
  if (key.exponent <= 0x10000 || key.exponent % 2 === 0) return `its exponent is ${key.exponent}`;
  return null;
}

import { FormatError, type VerificationError } from '../errors/index.ts';
import type { HashName } from '../hash/index.ts';
import { weaknessOf, type PublicKey } from '../keys/index.ts';
import { publicKeyOf, type ParsedPublic } from './structures/public.ts';

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

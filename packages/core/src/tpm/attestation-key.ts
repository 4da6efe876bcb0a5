import { VerificationError } from '../errors/index.ts';
import type { Hasher, HashName } from '../hash/index.ts';
import { weaknessOf, type PublicKey } from '../keys/index.ts';
import { OBJECT } from './constants.ts';
import { publicName } from './names.ts';
import { isStrongHash, soundKeyOf } from './strength.ts';
import type { SigningScheme } from './structures/algorithms.ts';
import type { ParsedPublic } from './structures/public.ts';

/** A restricted signing key that was made in the TPM and stays there. Only `checkAttestationKey` makes one. */
class AttestationKey {
  readonly #public: ParsedPublic;
  readonly name: Uint8Array;
  readonly key: PublicKey;
  readonly scheme: SigningScheme['scheme'];
  readonly hash: HashName;

  constructor(area: ParsedPublic, name: Uint8Array, key: PublicKey, signing: SigningScheme) {
    this.#public = area;
    this.name = name;
    this.key = key;
    this.scheme = signing.scheme;
    this.hash = signing.hash;
  }

  get public(): ParsedPublic {
    return this.#public;
  }
}

export type VerifiedAttestationKey = AttestationKey;

const REQUIRED =
  OBJECT.FIXED_TPM | OBJECT.FIXED_PARENT | OBJECT.SENSITIVE_DATA_ORIGIN | OBJECT.RESTRICTED | OBJECT.SIGN;
const FORBIDDEN = OBJECT.DECRYPT | OBJECT.ENCRYPTED_DUPLICATION | OBJECT.X509_SIGN;

/**
 * The attributes alone prove nothing: that a TPM holds the key shows only when it answers a credential that was
 * made for its name.
 * @throws VerificationError AK-ATTRIBUTES
 */
export function checkAttestationKey(area: ParsedPublic, hasher: Hasher): VerifiedAttestationKey {
  if ((area.attributes & REQUIRED) !== REQUIRED || (area.attributes & FORBIDDEN) !== 0) {
    throw refused(`its attributes are 0x${area.attributes.toString(16).padStart(8, '0')}`);
  }
  if (area.type === 'keyedhash') throw refused('it has no public key');
  if (area.symmetric !== null) throw refused('it has a cipher, as only a storage key has');
  if (area.scheme === null) throw refused('it has no signing scheme of its own');
  if (!isStrongHash(area.scheme.hash)) throw refused(`it signs ${area.scheme.hash} digests`);
  if (!isStrongHash(area.nameAlg)) throw refused(`its name is a ${area.nameAlg} digest`);
  const key = soundKeyOf(area, refused);
  return new AttestationKey(area, publicName(hasher, area), key, area.scheme);
}

/**
 * A public key without its public area, as PEM holds it: nothing tells whether it is restricted to what its TPM says, or
 * is in a TPM at all. Only `bareKey` makes one. Hosts are never enrolled with such a key.
 */
class BareKey {
  readonly name = undefined;
  readonly key: PublicKey;
  readonly scheme: SigningScheme['scheme'];
  readonly hash: HashName;

  constructor(key: PublicKey, signing: SigningScheme) {
    this.key = key;
    this.scheme = signing.scheme;
    this.hash = signing.hash;
  }
}

/** Whose attestations are checked: what is known of the key is for the caller to say. */
export type AttestingKey = VerifiedAttestationKey | BareKey;

/**
 * @param signing scheme and hash that the key signs by: of a bare key, what its signature says
 * @throws VerificationError AK-ATTRIBUTES where the key or the hash is weak
 */
export function bareKey(key: PublicKey, signing: SigningScheme): BareKey {
  const weakness = weaknessOf(key);
  if (weakness !== null) throw refused(weakness);
  if (!isStrongHash(signing.hash)) throw refused(`it signs ${signing.hash} digests`);
  return new BareKey(key, signing);
}

function refused(reason: string): VerificationError {
  return new VerificationError('AK-ATTRIBUTES', `attestation key refused: ${reason}`);
}

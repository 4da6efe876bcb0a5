import { concat, utf8 } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import { hashAlgorithm, type Hasher, type HashName } from '../hash/index.ts';
import { CURVE_SIZES, type EccPublicKey, type PublicKey } from '../keys/index.ts';
import { encode, record, sized } from './codec.ts';
import { MAX_DIGEST } from './constants.ts';
import type { VerifiedEndorsementKey } from './endorsement-key.ts';
import { kdfA, kdfE } from './kdf.ts';
import type { CredentialCrypto } from './ports.ts';

/** Largest TPM2B_ID_OBJECT content: a MAC and an encrypted digest, each with its size. */
export const MAX_ID_OBJECT = 2 * (2 + MAX_DIGEST);
/** Largest TPM2B_ENCRYPTED_SECRET content: what RSA-4096 encrypts. */
export const MAX_ENCRYPTED_SECRET = 512;

/** TPMS_ECC_POINT. */
export const eccPoint = record({ x: sized(CURVE_SIZES.p521), y: sized(CURVE_SIZES.p521) });

export interface Credential {
  /** TPM2B_ID_OBJECT, with its size. */
  readonly credentialBlob: Uint8Array;
  /** TPM2B_ENCRYPTED_SECRET, with its size. */
  readonly encryptedSecret: Uint8Array;
}

/**
 * TPM2_MakeCredential in software: only the TPM that holds `ek`, with a key of name `akName` loaded, can
 * tell `secret` (TPM 2.0 Part 1, clause 24). All digests are by the EK's name algorithm.
 * @param secret not longer than the digest of that algorithm
 * @throws FormatError BYTES-LIMIT for a longer secret
 */
export function makeCredential(
  ports: { hasher: Hasher; credentials: CredentialCrypto },
  ek: VerifiedEndorsementKey,
  akName: Uint8Array,
  secret: Uint8Array,
): Credential {
  const hash = ek.public.nameAlg;
  if (secret.length > hashAlgorithm(hash).size) {
    throw new FormatError('BYTES-LIMIT', `a credential of ${secret.length} bytes is longer than a ${hash} digest`);
  }
  const { seed, encrypted } = makeSeed(ports, ek.key, hash, 'IDENTITY');
  const keys = credentialKeys(ports.hasher, hash, seed, akName, ek.symmetricBits);
  const identity = ports.credentials.cfbEncrypt(keys.symmetric, encode(sized(MAX_DIGEST), secret));
  const integrity = ports.hasher.hmac(hash, keys.mac, identity, akName);
  const blob = concat([encode(sized(MAX_DIGEST), integrity), identity]);
  return {
    credentialBlob: encode(sized(MAX_ID_OBJECT), blob),
    encryptedSecret: encode(sized(MAX_ENCRYPTED_SECRET), encrypted),
  };
}

/** The keys that a seed gives: one hides the credential, one binds it to the name of the attestation key. */
export function credentialKeys(
  hasher: Hasher,
  hash: HashName,
  seed: Uint8Array,
  akName: Uint8Array,
  symmetricBits: number,
): { symmetric: Uint8Array; mac: Uint8Array } {
  const none = new Uint8Array(0);
  return {
    symmetric: kdfA(hasher, hash, seed, 'STORAGE', akName, none, symmetricBits),
    mac: kdfA(hasher, hash, seed, 'INTEGRITY', none, none, hashAlgorithm(hash).size * 8),
  };
}

/** Seed that an ECC key and an ephemeral key share (TPM 2.0 Part 1, annex C.6.1). */
export function eccSeed(
  hasher: Hasher,
  hash: HashName,
  shared: Uint8Array,
  parties: { readonly ephemeral: EccPublicKey; readonly key: EccPublicKey; readonly label: SeedLabel },
): Uint8Array {
  const bits = hashAlgorithm(hash).size * 8;
  return kdfE(hasher, hash, shared, parties.label, parties.ephemeral.x, parties.key.x, bits);
}

/** What a seed is for: a credential, or the salt of a session. */
export type SeedLabel = 'IDENTITY' | 'SECRET';

/**
 * A fresh seed that only the holder of `key` can tell (TPM 2.0 Part 1, annexes B.10 and C.6).
 * @param hash name algorithm of the key
 * @returns encrypted: TPM2B_ENCRYPTED_SECRET without its size
 */
export function makeSeed(
  ports: { readonly hasher: Hasher; readonly credentials: CredentialCrypto },
  key: PublicKey,
  hash: HashName,
  label: SeedLabel,
): { readonly seed: Uint8Array; readonly encrypted: Uint8Array } {
  if (key.kind === 'rsa') {
    const seed = ports.credentials.random(hashAlgorithm(hash).size);
    return { seed, encrypted: ports.credentials.oaepEncrypt(key, hash, utf8(`${label}\0`), seed) };
  }
  const { ephemeral, shared } = ports.credentials.ephemeralEcdh(key);
  const seed = eccSeed(ports.hasher, hash, shared, { ephemeral, key, label });
  return { seed, encrypted: encode(eccPoint, ephemeral) };
}

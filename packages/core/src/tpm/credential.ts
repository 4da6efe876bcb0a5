import { concat, utf8 } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import { hashAlgorithm, type Hasher, type HashName } from '../hash/index.ts';
import { CURVE_SIZES, type EccPublicKey } from '../keys/index.ts';
import { encode, record, sized } from './codec.ts';
import { MAX_DIGEST } from './constants.ts';
import type { VerifiedEndorsementKey } from './endorsement-key.ts';
import { kdfA, kdfE } from './kdf.ts';
import type { CredentialCrypto } from './ports.ts';

/** Label of the seed of a credential (TPM 2.0 Part 1, clause 24.4); KDFe and OAEP end it with a NUL. */
const IDENTITY = 'IDENTITY';

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
  const { seed, encryptedSeed } = makeSeed(ports, ek);
  const keys = credentialKeys(ports.hasher, hash, seed, akName, ek.symmetricBits);
  const identity = ports.credentials.cfbEncrypt(keys.symmetric, encode(sized(MAX_DIGEST), secret));
  const integrity = ports.hasher.hmac(hash, keys.mac, identity, akName);
  const blob = concat([encode(sized(MAX_DIGEST), integrity), identity]);
  return {
    credentialBlob: encode(sized(MAX_ID_OBJECT), blob),
    encryptedSecret: encode(sized(MAX_ENCRYPTED_SECRET), encryptedSeed),
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
  ephemeral: EccPublicKey,
  key: EccPublicKey,
): Uint8Array {
  return kdfE(hasher, hash, shared, IDENTITY, ephemeral.x, key.x, hashAlgorithm(hash).size * 8);
}

function makeSeed(
  ports: { hasher: Hasher; credentials: CredentialCrypto },
  ek: VerifiedEndorsementKey,
): { seed: Uint8Array; encryptedSeed: Uint8Array } {
  const hash = ek.public.nameAlg;
  const { key } = ek;
  if (key.kind === 'rsa') {
    const seed = ports.credentials.random(hashAlgorithm(hash).size);
    return { seed, encryptedSeed: ports.credentials.oaepEncrypt(key, hash, utf8(`${IDENTITY}\0`), seed) };
  }
  const { ephemeral, shared } = ports.credentials.ephemeralEcdh(key);
  const seed = eccSeed(ports.hasher, hash, shared, ephemeral, key);
  return { seed, encryptedSeed: encode(eccPoint, ephemeral) };
}

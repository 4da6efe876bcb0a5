import type { HashName } from '../hash/index.ts';

export type Curve = 'p256' | 'p384' | 'p521';

/** Size of one coordinate in bytes. */
export const CURVE_SIZES: Readonly<Record<Curve, number>> = { p256: 32, p384: 48, p521: 66 };

/** Coordinates are left-padded to the curve's size. */
export interface EccPublicKey {
  readonly kind: 'ecc';
  readonly curve: Curve;
  readonly x: Uint8Array;
  readonly y: Uint8Array;
}

export interface RsaPublicKey {
  readonly kind: 'rsa';
  /** Big-endian, without leading zeros. */
  readonly modulus: Uint8Array;
  readonly exponent: number;
}

export type PublicKey = EccPublicKey | RsaPublicKey;

/** `r` and `s` are left-padded to the curve's size. */
export interface EcdsaSignature {
  readonly scheme: 'ecdsa';
  readonly hash: HashName;
  readonly r: Uint8Array;
  readonly s: Uint8Array;
}

export interface RsaSignature {
  readonly scheme: 'rsassa' | 'rsapss';
  readonly hash: HashName;
  readonly value: Uint8Array;
}

export type Signature = EcdsaSignature | RsaSignature;

/** Checks signatures; answers false for everything that is not a good signature, and never throws for bad input. */
export interface SignatureVerifier {
  verify(key: PublicKey, signature: Signature, message: Uint8Array): boolean;
}

/** Checks signatures over a digest that is already there; otherwise as `SignatureVerifier`. */
export interface DigestSignatureVerifier {
  verifyDigest(key: PublicKey, signature: Signature, digest: Uint8Array): boolean;
  /** RSA PKCS#1 v1.5 over a payload without DigestInfo; only signatures of version 1 are made so. */
  verifyPayload(key: RsaPublicKey, signature: Uint8Array, payload: Uint8Array): boolean;
}

/** Makes signatures over digests. The key may be elsewhere, such as in an HSM, hence the promise. */
export interface Signer {
  /**
   * By an RSA key PKCS#1 v1.5 with DigestInfo, as long as the modulus; by an ECDSA key ECDSA-Sig-Value in DER.
   *
   * @throws SystemError SIGNER-FAILED
   */
  sign(hash: HashName, digest: Uint8Array): Promise<Uint8Array>;
}

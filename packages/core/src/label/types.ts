import type { HashName } from '../hash/index.ts';

/** First byte of a value (security/integrity/integrity.h, enum evm_ima_xattr_type). */
export const LABEL_TYPES = {
  /** IMA_XATTR_DIGEST */
  legacyDigest: 0x01,
  /** EVM_XATTR_HMAC */
  hmac: 0x02,
  /** EVM_IMA_XATTR_DIGSIG */
  signature: 0x03,
  /** IMA_XATTR_DIGEST_NG */
  digest: 0x04,
  /** EVM_XATTR_PORTABLE_DIGSIG */
  portable: 0x05,
  /** IMA_VERITY_DIGSIG */
  verity: 0x06,
} as const;

/** What a signature is over: a file's bytes or metadata, its portable metadata, or its fs-verity digest. */
export type SignatureType = typeof LABEL_TYPES.signature | typeof LABEL_TYPES.portable | typeof LABEL_TYPES.verity;

/** Digest of the file. `legacy` is the form of type 1, without the number of the algorithm: MD5 and SHA-1 only. */
export interface DigestLabel {
  readonly kind: 'digest';
  readonly legacy: boolean;
  readonly algorithm: HashName;
  readonly digest: Uint8Array;
}

/** struct signature_v2_hdr (security/integrity/integrity.h). */
export interface SignatureLabel {
  readonly kind: 'signature';
  readonly type: SignatureType;
  /** 2: over the digest itself. 3: over the digest of type, algorithm and digest. */
  readonly version: 2 | 3;
  readonly algorithm: HashName;
  readonly keyId: number;
  /** RSA: as long as the modulus; ECDSA: ECDSA-Sig-Value in DER. */
  readonly signature: Uint8Array;
}

/** struct signature_hdr of include/linux/digsig.h: RSA, deprecated. */
export interface SignatureV1Label {
  readonly kind: 'signature-v1';
  /** Seconds since 1970 when it was signed. */
  readonly time: number;
  /** Algorithm of the file's digest; what is signed is always a SHA-1. */
  readonly algorithm: 'sha1' | 'sha256';
  /** Last eight bytes of the SHA-1 of the key in the form of its keyring. */
  readonly keyId: Uint8Array;
  /** Declared length of the signature in bits. */
  readonly bits: number;
  readonly signature: Uint8Array;
}

/** What the kernel writes into security.evm: HMAC-SHA1 of the metadata. */
export interface HmacLabel {
  readonly kind: 'hmac';
  readonly hmac: Uint8Array;
}

export type ImaLabel = DigestLabel | SignatureLabel | SignatureV1Label;
export type EvmLabel = HmacLabel | SignatureLabel;

/** A value as it was read, with its bytes: nothing of it is checked against a file yet. */
export type Parsed<T extends ImaLabel | EvmLabel> = T & { readonly raw: Uint8Array };
export type ParsedImaLabel = Parsed<DigestLabel> | Parsed<SignatureLabel> | Parsed<SignatureV1Label>;
export type ParsedEvmLabel = Parsed<HmacLabel> | Parsed<SignatureLabel>;

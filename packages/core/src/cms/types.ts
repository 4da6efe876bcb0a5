import type { HashName } from '../hash/index.ts';

/** By what the signer's certificate is named (RFC 5652 section 5.3, SignerIdentifier). */
export type SignerId =
  | { readonly kind: 'issuer'; readonly issuer: Uint8Array; readonly serialNumber: Uint8Array }
  | { readonly kind: 'key-identifier'; readonly subjectKeyIdentifier: Uint8Array };

/** Attributes that are signed in place of the content (RFC 5652 section 5.4). */
export interface SignedAttributes {
  /** SET OF Attribute as it is signed: with the tag of a SET, which the message leaves out. */
  readonly signed: Uint8Array;
  readonly messageDigest: Uint8Array;
}

/** SignedData of one signer over content that is elsewhere. Nothing of it is checked yet. */
export interface ParsedSignedData {
  /** ContentInfo in DER. */
  readonly raw: Uint8Array;
  readonly signer: SignerId;
  /** Of the content, and of the signed attributes where there are some. */
  readonly hash: HashName;
  readonly keyKind: 'rsa' | 'ecc';
  readonly attributes?: SignedAttributes;
  /** RSA: PKCS#1 v1.5; ECDSA: ECDSA-Sig-Value in DER. */
  readonly signature: Uint8Array;
  /** Certificates that came along. They prove nothing: whoever signs puts in what they like. */
  readonly certificates: readonly Uint8Array[];
}

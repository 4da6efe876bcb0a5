export {
  certificateSignedBy,
  KEY_PURPOSES,
  makeCertificate,
  SIGNATURE_OIDS,
  type CertificateIssuer,
  type CertificateParameters,
  type CertificatePurpose,
} from './certificate-build.ts';
export {
  encodePublicKey,
  parseCertificate,
  parseCertificateOutline,
  parsePublicKey,
  publicKeyBits,
  type CertificateExtension,
  type CertificateOutline,
  type ParsedCertificate,
} from './certificate.ts';
export { addPoints, curveOrder, fromInteger, inverse, isOnCurve, reduced, toInteger } from './curves.ts';
export { DER, DerReader, derElement, derUnsigned } from './der.ts';
export { encodeEcdsaSignature, parseEcdsaSignature } from './ecdsa.ts';
export {
  keyIdOfCertificate,
  keyIdOfIdentifier,
  keyIdOfKeyInfo,
  keyIdOfPublicKey,
  keyIdOfVersion1,
  keyOfVersion1,
} from './key-id.ts';
export { weaknessOf } from './strength.ts';
export { HASH_OIDS, pkcs1Block, pkcs1Encoding } from './pkcs1.ts';
export {
  CURVE_SIZES,
  type Curve,
  type DigestSignatureVerifier,
  type EccPublicKey,
  type EcdsaSignature,
  type PublicKey,
  type RsaPublicKey,
  type RsaSignature,
  type Signature,
  type SignatureVerifier,
  type Signer,
} from './types.ts';
export type { Validity } from './validity.ts';

import { equalBytes } from '../bytes/index.ts';
import { VerificationError } from '../errors/index.ts';
import { hashAlgorithm, type Hasher, type HashName } from '../hash/index.ts';
import {
  parseEcdsaSignature,
  type DigestSignatureVerifier,
  type ParsedCertificate,
  type Signature,
} from '../keys/index.ts';
import type { ParsedSignedData, SignerId } from './types.ts';

/** What of a certificate finds and checks a signature. That the certificate is trusted is the caller's to know. */
export type SignerCertificate = Pick<
  ParsedCertificate,
  'issuer' | 'serialNumber' | 'subjectKeyIdentifier' | 'publicKey'
>;

export interface SignedDataPorts {
  readonly hasher: Hasher;
  readonly digestSignatures: DigestSignatureVerifier;
}

/** A signature that was checked over a digest of the content. Only `verifySignedData` makes one. */
class CheckedSignedData {
  readonly #signed: ParsedSignedData;
  readonly certificate: SignerCertificate;

  constructor(signed: ParsedSignedData, certificate: SignerCertificate) {
    this.#signed = signed;
    this.certificate = certificate;
  }

  get signed(): ParsedSignedData {
    return this.#signed;
  }
}

export type VerifiedSignedData = CheckedSignedData;

/**
 * Checks the signature over a digest of the content by the certificate that it names; those that came along in the
 * message are not looked at. RFC 5652 section 5.4 to 5.6; crypto/asymmetric_keys/pkcs7_verify.c, pkcs7_digest.
 *
 * @param content digest of the content by the algorithm of the signature.
 * @param certificates those that are trusted to sign it.
 * @throws VerificationError IMA-SIG-KEY-UNKNOWN, IMA-SIG-INVALID; FormatError DER-FORM for a signature by an ECDSA key
 *   that is not ECDSA-Sig-Value; SystemError HASH-UNAVAILABLE
 */
export function verifySignedData(
  signed: ParsedSignedData,
  content: { readonly algorithm: HashName; readonly value: Uint8Array },
  certificates: readonly SignerCertificate[],
  { hasher, digestSignatures }: SignedDataPorts,
): VerifiedSignedData {
  const certificate = certificates.find((each) => isNamed(signed.signer, each));
  if (certificate === undefined) {
    throw new VerificationError('IMA-SIG-KEY-UNKNOWN', 'none of the certificates given is the one that signed');
  }
  const { publicKey } = certificate;
  const fits = content.algorithm === signed.hash && content.value.length === hashAlgorithm(signed.hash).size;
  if (!fits || publicKey.kind !== signed.keyKind) throw invalid('it is by another algorithm');
  const { attributes } = signed;
  if (attributes !== undefined && !equalBytes(attributes.messageDigest, content.value)) {
    throw invalid('the content is not the one that was signed');
  }
  const digest = attributes === undefined ? content.value : hasher.digest(signed.hash, attributes.signed);
  if (!digestSignatures.verifyDigest(publicKey, signatureOf(signed, certificate), digest)) {
    throw invalid('it was not made by this key over this content');
  }
  return new CheckedSignedData(signed, certificate);
}

function isNamed(signer: SignerId, certificate: SignerCertificate): boolean {
  if (signer.kind === 'issuer') {
    const { issuer, serialNumber } = certificate;
    return equalBytes(issuer, signer.issuer) && equalBytes(serialNumber, signer.serialNumber);
  }
  const { subjectKeyIdentifier } = certificate;
  return subjectKeyIdentifier !== undefined && equalBytes(subjectKeyIdentifier, signer.subjectKeyIdentifier);
}

function signatureOf({ signature, hash }: ParsedSignedData, { publicKey }: SignerCertificate): Signature {
  if (publicKey.kind === 'ecc') return parseEcdsaSignature(signature, publicKey.curve, hash);
  return { scheme: 'rsassa', hash, value: signature };
}

function invalid(reason: string): VerificationError {
  return new VerificationError('IMA-SIG-INVALID', `signature in CMS: ${reason}`);
}

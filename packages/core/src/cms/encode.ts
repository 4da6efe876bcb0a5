import { fromHex } from '../bytes/index.ts';
import type { HashName } from '../hash/index.ts';
import { DER, derElement, derUnsigned, HASH_OIDS, SIGNATURE_OIDS } from '../keys/index.ts';
import { parseSignedData } from './parse.ts';
import type { SignerCertificate } from './verify.ts';

const SIGNED_DATA = '2a864886f70d010702';
const DATA = '2a864886f70d010701';
const RSA = '2a864886f70d010101';

export interface SignedDataParameters {
  readonly certificate: Pick<SignerCertificate, 'issuer' | 'serialNumber' | 'publicKey'>;
  readonly hash: Extract<HashName, 'sha256' | 'sha384' | 'sha512'>;
  /** As a `Signer` gives it, over the digest of the content. */
  readonly signature: Uint8Array;
}

/**
 * SignedData of one signer over content that is elsewhere, without attributes and certificates: what kernels take for
 * modules (scripts/sign-file.c).
 *
 * @throws FormatError where `parseSignedData` would not read it back.
 */
export function encodeSignedData({ certificate, hash, signature }: SignedDataParameters): Uint8Array<ArrayBuffer> {
  const { issuer, serialNumber, publicKey } = certificate;
  const digestAlgorithm = algorithm(HASH_OIDS[hash] ?? '', true);
  const signatureAlgorithm =
    publicKey.kind === 'rsa' ? algorithm(RSA, true) : algorithm(SIGNATURE_OIDS.ecc[hash], false);
  const signer = derElement(
    DER.sequence,
    derUnsigned(Uint8Array.of(1)),
    derElement(DER.sequence, issuer, derUnsigned(serialNumber)),
    digestAlgorithm,
    signatureAlgorithm,
    derElement(DER.octetString, signature),
  );
  const signedData = derElement(
    DER.sequence,
    derUnsigned(Uint8Array.of(1)),
    derElement(DER.set, digestAlgorithm),
    derElement(DER.sequence, oid(DATA)),
    derElement(DER.set, signer),
  );
  const der = derElement(DER.sequence, oid(SIGNED_DATA), derElement(DER.context(0), signedData));
  parseSignedData(der);
  return der;
}

function algorithm(identifier: string, withNull: boolean): Uint8Array {
  return derElement(DER.sequence, oid(identifier), ...(withNull ? [derElement(DER.null)] : []));
}

function oid(hex: string): Uint8Array {
  return derElement(DER.oid, fromHex(hex));
}

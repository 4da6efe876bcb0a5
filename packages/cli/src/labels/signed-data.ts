import { toHex } from '@assay/core/bytes';
import type { ParsedSignedData } from '@assay/core/cms';
import { FormatError } from '@assay/core/errors';
import { nameText } from '@assay/core/x509';
import { shown } from '../output/terminal.ts';

/** Who says to have signed, and how; nothing of it is verified. */
export function signedDataDocument({ signer, hash, keyKind, attributes, certificates, signature }: ParsedSignedData) {
  const of =
    signer.kind === 'issuer'
      ? { issuer: issuerText(signer.issuer), serialNumber: toHex(signer.serialNumber) }
      : { subjectKeyIdentifier: toHex(signer.subjectKeyIdentifier) };
  return {
    algorithm: `${keyKind === 'rsa' ? 'rsa' : 'ecdsa'}-${hash}`,
    ...of,
    signatureBytes: signature.length,
    attributes: attributes !== undefined,
    certificates: certificates.length,
  };
}

function issuerText(issuer: Uint8Array): string {
  try {
    return nameText(issuer);
  } catch (error) {
    if (error instanceof FormatError) return toHex(issuer);
    throw error;
  }
}

export function signedDataText(signed: ParsedSignedData): string {
  const { algorithm, issuer, serialNumber, subjectKeyIdentifier, attributes } = signedDataDocument(signed);
  const who =
    issuer === undefined ? `key ${subjectKeyIdentifier}` : `the certificate ${serialNumber} of ${shown(issuer)}`;
  return `${algorithm} by ${who}${attributes ? ', over attributes, which the kernel refuses' : ''}`;
}

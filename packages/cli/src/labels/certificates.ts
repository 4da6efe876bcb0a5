import { FormatError } from '@assay/core/errors';
import { keyIdOfCertificate, parseCertificate, type ParsedCertificate } from '@assay/core/keys';
import type { LabelKey } from '@assay/core/label';
import { nodeHasher } from '@assay/core/node';
import { boundedContent } from '../bounded-file.ts';

const LARGEST_FILE = 1024 * 1024;

/** The certificates of a file, DER or PEM (RFC 7468). @throws FormatError DER-FORM, KEY-UNKNOWN, BYTES-LIMIT */
export async function readCertificates(path: string): Promise<ParsedCertificate[]> {
  const content = await boundedContent(path, LARGEST_FILE);
  const blocks = certificateBlocks(content);
  if (blocks.length === 0 && content.includes('-----BEGIN')) {
    throw new FormatError('DER-FORM', `${path} holds no certificate`);
  }
  return (blocks.length === 0 ? [content] : blocks).map((der) => parseCertificate(Uint8Array.from(der)));
}

/** Certificates in PEM, whatever stands beside them. */
export function certificateBlocks(pem: Buffer): Buffer[] {
  const blocks = pem.toString('latin1').matchAll(/-----BEGIN CERTIFICATE-----([^-]*)-----END CERTIFICATE-----/g);
  return Array.from(blocks, ([, base64 = '']) => Buffer.from(base64, 'base64'));
}

/** Keys that labels may be signed by. @throws FormatError DER-FORM, KEY-UNKNOWN, BYTES-LIMIT */
export async function readLabelKeys(paths: readonly string[]): Promise<LabelKey[]> {
  const certificates = await Promise.all(paths.map(readCertificates));
  return certificates.flat().map(labelKey);
}

export function labelKey(certificate: ParsedCertificate): LabelKey {
  const { publicKey } = certificate;
  return { keyId: keyIdOfCertificate(nodeHasher, certificate), publicKey, certificate };
}

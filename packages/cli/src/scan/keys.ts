import { createPublicKey } from 'node:crypto';
import type { BaselineSigner } from '@assay/core/baseline';
import { FormatError } from '@assay/core/errors';
import { parsePublicKey, type PublicKey } from '@assay/core/keys';
import { openSigner } from '@assay/linux/signers';
import { boundedContent } from '../bounded-file.ts';
import { UsageError } from '../exit.ts';
import { readCertificates } from '../labels/certificates.ts';
import { signingKey } from '../labels/signing-key.ts';
import type { SigningOptions, VerifyingOptions } from './options.ts';

const LARGEST_FILE = 1024 * 1024;

/** Keys that a baseline may be signed by. @throws FormatError PEM-FORM, DER-FORM, KEY-UNKNOWN, BYTES-LIMIT */
export async function signerKeys({ cert, publicKey }: VerifyingOptions): Promise<PublicKey[]> {
  const certificates = await Promise.all(cert.map(readCertificates));
  const keys = await Promise.all(publicKey.map(readPublicKey));
  return [...certificates.flat().map((certificate) => certificate.publicKey), ...keys];
}

async function readPublicKey(path: string): Promise<PublicKey> {
  const content = await boundedContent(path, LARGEST_FILE);
  const text = content.toString('latin1');
  // Of a private key, OpenSSL would give the public one.
  if (!text.includes('-----BEGIN PUBLIC KEY-----') || text.includes('PRIVATE KEY-----')) {
    throw new FormatError('PEM-FORM', `${path} is no public key in PEM (-----BEGIN PUBLIC KEY-----)`);
  }
  return parsePublicKey(Uint8Array.from(spki(path, content)));
}

function spki(path: string, content: Buffer): Buffer {
  try {
    return createPublicKey(content).export({ format: 'der', type: 'spki' });
  } catch {
    throw new FormatError('PEM-FORM', `OpenSSL reads no public key from ${path}`);
  }
}

/**
 * The key that the options name; undefined where they name none.
 * @throws UsageError; FormatError KEY-PRIVATE, KEY-UNKNOWN, DER-FORM; SystemError SIGNER-FAILED
 */
export async function baselineSigner(options: SigningOptions): Promise<BaselineSigner | undefined> {
  if (options.key === undefined && options.signer === undefined) return undefined;
  const { signerCert: cert, ...named } = options;
  const key = await signingKey({ ...named, cert, keyid: undefined, algorithm: 'sha256', sigVersion: 2 });
  const { source, publicKey, keyId } = key;
  if (publicKey === undefined)
    throw new UsageError('the key is of a kind by which no baseline is verified: RSA or ECDSA');
  return { signer: openSigner(source), publicKey, keyId };
}

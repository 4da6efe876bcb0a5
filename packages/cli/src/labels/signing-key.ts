import { equalBytes } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import {
  keyIdOfKeyInfo,
  keyIdOfPublicKey,
  parseCertificate,
  parsePublicKey,
  publicKeyBits,
  type PublicKey,
} from '@assay/core/keys';
import type { LabelKey } from '@assay/core/label';
import { nodeHasher } from '@assay/core/node';
import type { SigningKey } from '@assay/linux/labels';
import { isEncryptedPem, openPemKey, opensslPublicKey, type SignerSource } from '@assay/linux/signers';
import type { z } from 'zod';
import { boundedContent } from '../bounded-file.ts';
import { UsageError } from '../exit.ts';
import { certificateBlocks, labelKey, readCertificates } from './certificates.ts';
import type { SigningOptions } from './options.ts';
import { secretFrom } from './secrets.ts';

type Options = z.infer<typeof SigningOptions>;

/** A key as it was found: with what is known of it besides. */
interface FoundKey {
  readonly source: SignerSource;
  readonly publicKey?: PublicKey;
  /** Of the key itself, or of a certificate that stands beside it. */
  readonly keyId?: number;
}

const LARGEST_FILE = 1024 * 1024;

/**
 * The key that the options name. Its id is that of --keyid, of --cert, of a certificate in the file of the key, or of its
 * public key, in this order.
 * @throws UsageError; FormatError KEY-PRIVATE, KEY-UNKNOWN, DER-FORM; SystemError SIGNER-FAILED
 */
export async function signingKey(options: Options): Promise<SigningKey> {
  if ((options.key === undefined) === (options.signer === undefined)) throw new UsageError('give --key or --signer');
  const certificate = options.cert === undefined ? undefined : await onlyCertificate(options.cert);
  const found = await foundKey(options);
  if (certificate !== undefined && found.publicKey !== undefined && !isSameKey(certificate, found.publicKey)) {
    throw new UsageError('--cert is the certificate of another key');
  }
  const keyId = options.keyid ?? certificate?.keyId ?? found.keyId;
  if (keyId === undefined) throw new UsageError('give --cert or --keyid: nothing else tells the key id');
  const publicKey = certificate?.publicKey ?? found.publicKey;
  const { algorithm, sigVersion: version } = options;
  return { source: found.source, keyId, algorithm, version, ...(publicKey === undefined ? {} : { publicKey }) };
}

async function onlyCertificate(path: string): Promise<LabelKey> {
  const [certificate, ...more] = await readCertificates(path);
  if (certificate === undefined || more.length > 0) throw new UsageError('--cert takes a file with one certificate');
  return labelKey(certificate);
}

function isSameKey(certificate: LabelKey, key: PublicKey): boolean {
  return equalBytes(publicKeyBits(certificate.publicKey), publicKeyBits(key));
}

async function foundKey({ key, signer, passphraseFrom }: Options): Promise<FoundKey> {
  if (signer !== undefined) return { source: { kind: 'program', path: signer } };
  const name = key ?? '';
  if (!name.startsWith('pkcs11:')) return pemKey(name, passphraseFrom);
  const pin = await secretFrom(passphraseFrom, 'the token');
  return opensslKey(name, pin);
}

async function pemKey(path: string, passphraseFrom: string | undefined): Promise<FoundKey> {
  const pem = await boundedContent(path, LARGEST_FILE);
  const asked = isEncryptedPem(pem) ? await secretFrom(passphraseFrom, path) : undefined;
  const passphrase = asked === undefined ? {} : { passphrase: asked };
  try {
    const { publicKey } = openPemKey(pem, asked);
    return { source: { kind: 'pem', pem, ...passphrase }, publicKey, keyId: ownKeyId(pem, publicKey) };
  } catch (error) {
    // A kind of key that Node or Assay does not know, such as SM2.
    if (error instanceof FormatError && error.code === 'KEY-UNKNOWN') return opensslKey(path, asked);
    throw error;
  }
}

function ownKeyId(pem: Buffer, publicKey: PublicKey): number {
  const [beside] = certificateBlocks(pem);
  if (beside === undefined) return keyIdOfPublicKey(nodeHasher, publicKey);
  const certificate = labelKey(parseCertificate(Uint8Array.from(beside)));
  return isSameKey(certificate, publicKey) ? certificate.keyId : keyIdOfPublicKey(nodeHasher, publicKey);
}

async function opensslKey(key: string, secret: string | undefined): Promise<FoundKey> {
  const der = await opensslPublicKey(key, secret);
  const passphrase = secret === undefined ? {} : { passphrase: secret };
  const found = { source: { kind: 'openssl', key, ...passphrase }, keyId: keyIdOfKeyInfo(nodeHasher, der) } as const;
  try {
    return { ...found, publicKey: parsePublicKey(Uint8Array.from(der)) };
  } catch (error) {
    if (error instanceof FormatError && error.code === 'KEY-UNKNOWN') return found;
    throw error;
  }
}

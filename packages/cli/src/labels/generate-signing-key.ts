import { generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { equalBytes } from '@assay/core/bytes';
import { makeCertificate, parseCertificate, publicKeyBits, type CertificateIssuer } from '@assay/core/keys';
import { nodeHasher } from '@assay/core/node';
import { isEncryptedPem, openPemKey } from '@assay/linux/signers';
import { boundedContent } from '../bounded-file.ts';
import { UsageError } from '../exit.ts';
import { readCertificates, labelKey } from './certificates.ts';
import { secretFrom } from './secrets.ts';

const CURVES = { p256: 'prime256v1', p384: 'secp384r1', p521: 'secp521r1' } as const;
const BITS = { rsa2048: 2048, rsa3072: 3072, rsa4096: 4096 } as const;
const DAY_MILLISECONDS = 86_400_000;
const SERIAL_SIZE = 16;
const LARGEST_FILE = 1024 * 1024;

interface Parameters {
  readonly type: keyof typeof CURVES | keyof typeof BITS;
  /** Where the private key and the certificate go: files that must not exist. */
  readonly out: string;
  readonly cert: string;
  readonly name: string;
  readonly days: number;
  readonly passphraseFrom?: string | undefined;
  /** Files of who signs the certificate; the key itself where there is none. */
  readonly authority?: { readonly issuer: string; readonly issuerKey: string };
}

/** A private key for its owner only, and a certificate that the kernel takes into `.ima` if it trusts the authority. */
export async function generateSigningKey(parameters: Parameters): Promise<Record<string, string>> {
  const { type, out, cert, name, days, passphraseFrom, authority } = parameters;
  const key = generated(type);
  const plain = key.export({ format: 'pem', type: 'pkcs8' });
  const own = openPemKey(Buffer.from(plain));
  const issuer = authority === undefined ? own : await authorityOf(authority);
  const now = Date.now();
  const der = await makeCertificate(
    {
      name,
      publicKey: own.publicKey,
      serial: serialNumber(),
      notBefore: new Date(now),
      notAfter: new Date(now + days * DAY_MILLISECONDS),
      hash: 'sha256',
    },
    issuer,
    nodeHasher,
  );
  const passphrase = passphraseFrom === undefined ? undefined : await secretFrom(passphraseFrom);
  const pem = passphrase === undefined ? plain : encrypted(key, passphrase);
  await writeFile(cert, der, { flag: 'wx' });
  try {
    await writeFile(out, pem, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    await rm(cert);
    throw error;
  }
  const { keyId } = labelKey(parseCertificate(der));
  return { key: out, certificate: cert, keyId: keyId.toString(16).padStart(8, '0') };
}

function generated(type: Parameters['type']): KeyObject {
  if (type === 'p256' || type === 'p384' || type === 'p521') {
    return generateKeyPairSync('ec', { namedCurve: CURVES[type] }).privateKey;
  }
  return generateKeyPairSync('rsa', { modulusLength: BITS[type] }).privateKey;
}

function encrypted(key: KeyObject, passphrase: string): string | Buffer {
  return key.export({ format: 'pem', type: 'pkcs8', cipher: 'aes-256-cbc', passphrase });
}

/** Positive and of full length. */
function serialNumber(): Uint8Array {
  const serial = randomBytes(SERIAL_SIZE);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial;
}

async function authorityOf({ issuer, issuerKey }: NonNullable<Parameters['authority']>): Promise<CertificateIssuer> {
  const [certificate] = await readCertificates(issuer);
  const pem = await boundedContent(issuerKey, LARGEST_FILE);
  const opened = openPemKey(pem, isEncryptedPem(pem) ? await secretFrom(undefined, issuerKey) : undefined);
  if (certificate === undefined) throw new UsageError('--issuer holds no certificate');
  const { subject, subjectKeyIdentifier: keyIdentifier } = certificate;
  if (keyIdentifier === undefined) throw new UsageError('--issuer has no subject key identifier');
  if (!equalBytes(publicKeyBits(certificate.publicKey), publicKeyBits(opened.publicKey))) {
    throw new UsageError('--issuer is the certificate of another key than --issuer-key');
  }
  return { ...opened, certificate: { subject, keyIdentifier } };
}

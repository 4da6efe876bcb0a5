import { constants, createPrivateKey, createPublicKey, privateEncrypt, type KeyObject } from 'node:crypto';
import { FormatError } from '@assay/core/errors';
import { parsePublicKey, type PublicKey, type Signer } from '@assay/core/keys';
import { EvpKey } from './evp.ts';

export interface OpenedKey {
  readonly signer: Signer;
  readonly publicKey: PublicKey;
  /** With an RSA key: PKCS#1 v1.5 over bytes as they are, without DigestInfo, as in labels of version 1. */
  readonly signPayload?: (payload: Uint8Array) => Uint8Array;
}

/** Whether a PEM file holds a private key that is encrypted (RFC 7468 section 11, RFC 1421 section 4.6.1.1). */
export function isEncryptedPem(pem: Uint8Array): boolean {
  const text = Buffer.from(pem).toString('latin1');
  return /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED$/m.test(text);
}

/**
 * A signer with a private key from a PEM file, an RSA or ECDSA one, in PKCS#8 or a traditional form.
 *
 * @throws FormatError KEY-PRIVATE, KEY-UNKNOWN; SystemError SIGNER-FAILED
 */
export function openPemKey(pem: Uint8Array, passphrase?: string): OpenedKey {
  const key = privateKey(pem, passphrase);
  const publicKey = parsePublicKey(createPublicKey(key).export({ format: 'der', type: 'spki' }));
  const der = key.export({ format: 'der', type: 'pkcs8' });
  const isRsa = publicKey.kind === 'rsa';
  const evp = new EvpKey(der, isRsa);
  der.fill(0);
  const signer: Signer = { sign: async (hash, digest) => evp.sign(hash, digest) };
  if (!isRsa) return { publicKey, signer };
  const padding = constants.RSA_PKCS1_PADDING;
  return { publicKey, signer, signPayload: (payload) => privateEncrypt({ key, padding }, payload) };
}

function privateKey(pem: Uint8Array, passphrase: string | undefined): KeyObject {
  if (passphrase === undefined && isEncryptedPem(pem)) {
    throw new FormatError('KEY-PRIVATE', 'the private key is encrypted, and no passphrase was given');
  }
  try {
    return createPrivateKey({ key: Buffer.from(pem), ...(passphrase === undefined ? {} : { passphrase }) });
  } catch {
    const wrong = passphrase === undefined ? '' : ', or the passphrase is wrong';
    throw new FormatError('KEY-PRIVATE', `OpenSSL reads no private key from the file${wrong}`);
  }
}

import { ByteReader } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import type { Hasher } from '../hash/index.ts';
import { publicKeyBits, type ParsedCertificate } from './certificate.ts';
import type { PublicKey } from './types.ts';

const KEY_ID_SIZE = 4;

/**
 * Key id of the signatures of IMA and EVM, version 2 and later: the last four bytes of the subject key identifier.
 * Kernel: security/integrity/digsig_asymmetric.c, request_asymmetric_key.
 *
 * @throws FormatError KEY-UNKNOWN for an identifier of fewer than four bytes.
 */
export function keyIdOfIdentifier(subjectKeyIdentifier: Uint8Array): number {
  if (subjectKeyIdentifier.length < KEY_ID_SIZE) {
    throw new FormatError('KEY-UNKNOWN', 'a subject key identifier of fewer than 4 bytes gives no key id');
  }
  const last = subjectKeyIdentifier.subarray(-KEY_ID_SIZE);
  return new ByteReader(last, 'subject key identifier').u32('key id');
}

/** Key id of a key without certificate: of the SHA-1 of its bits, the first method of RFC 5280 section 4.2.1.2. */
export function keyIdOfPublicKey(hasher: Hasher, key: PublicKey): number {
  return keyIdOfIdentifier(hasher.digest('sha1', publicKeyBits(key)));
}

/** Of its subject key identifier, and of its public key where it has none. */
export function keyIdOfCertificate(hasher: Hasher, certificate: ParsedCertificate): number {
  const { publicKey, subjectKeyIdentifier } = certificate;
  return subjectKeyIdentifier === undefined
    ? keyIdOfPublicKey(hasher, publicKey)
    : keyIdOfIdentifier(subjectKeyIdentifier);
}

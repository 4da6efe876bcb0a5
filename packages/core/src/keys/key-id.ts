import { ByteReader, ByteWriter, fromHex } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import type { Hasher } from '../hash/index.ts';
import { bitsOfKeyInfo, publicKeyBits, type ParsedCertificate } from './certificate.ts';
import type { PublicKey, RsaPublicKey } from './types.ts';

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

/** The same of a SubjectPublicKeyInfo in DER, of a key that need not be known here. @throws FormatError DER-FORM */
export function keyIdOfKeyInfo(hasher: Hasher, der: Uint8Array): number {
  return keyIdOfIdentifier(hasher.digest('sha1', bitsOfKeyInfo(der)));
}

/** Of its subject key identifier, and of its public key where it has none. */
export function keyIdOfCertificate(hasher: Hasher, certificate: ParsedCertificate): number {
  const { publicKey, subjectKeyIdentifier } = certificate;
  return subjectKeyIdentifier === undefined
    ? keyIdOfPublicKey(hasher, publicKey)
    : keyIdOfIdentifier(subjectKeyIdentifier);
}

const VERSION1_SIZE = 8;

/** Key of signatures of version 1 as its keyring holds it: struct pubkey_hdr and two integers (include/linux/digsig.h). */
export function keyOfVersion1(key: RsaPublicKey): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter().u8(1).u32(0).u8(0).u8(2);
  for (const number of [key.modulus, exponentOf(key)]) writer.u16(bitLength(number)).bytes(number);
  return writer.finish();
}

/** Key id of signatures of version 1: of the SHA-1 of the key in the form of its keyring. */
export function keyIdOfVersion1(hasher: Hasher, key: RsaPublicKey): Uint8Array {
  return hasher.digest('sha1', keyOfVersion1(key)).subarray(-VERSION1_SIZE);
}

function exponentOf({ exponent }: RsaPublicKey): Uint8Array {
  const hex = exponent.toString(16);
  return fromHex(hex.length % 2 === 0 ? hex : `0${hex}`);
}

/** Of a big-endian number without zeros in front. */
function bitLength(number: Uint8Array): number {
  return number.length * 8 - (Math.clz32(number[0] ?? 0) - 24);
}

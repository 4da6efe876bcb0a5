import { concat, fromHex } from '../bytes/index.ts';
import { hashAlgorithm, type HashName } from '../hash/index.ts';
import { DER, derElement } from './der.ts';

/** Object identifiers, in hexadecimal, of the hashes that the kernel takes with RSA (crypto/rsassa-pkcs1.c, hash_prefixes). */
export const HASH_OIDS: Readonly<Partial<Record<HashName, string>>> = {
  md5: '2a864886f70d0205',
  sha1: '2b0e03021a',
  rmd160: '2b24030201',
  sha224: '608648016503040204',
  sha256: '608648016503040201',
  sha384: '608648016503040202',
  sha512: '608648016503040203',
  'sha3-256': '608648016503040208',
  'sha3-384': '608648016503040209',
  'sha3-512': '60864801650304020a',
};

/** Bytes around the payload: 00 01, at least eight times ff, 00. */
const LEAST_OVERHEAD = 11;

/**
 * What RSA PKCS#1 v1.5 signs for a digest: EMSA-PKCS1-v1_5 (RFC 8017 section 9.2) in `size` bytes. Checks compare the
 * whole block with it instead of reading the block, so that nothing in it is left unchecked.
 *
 * @returns undefined where the kernel knows no DigestInfo of the algorithm, the digest has another size, or the
 *   block is too small.
 */
export function pkcs1Encoding(hash: HashName, digest: Uint8Array, size: number): Uint8Array<ArrayBuffer> | undefined {
  const oid = HASH_OIDS[hash];
  if (oid === undefined || digest.length !== hashAlgorithm(hash).size) return undefined;
  const identifier = derElement(DER.sequence, derElement(DER.oid, fromHex(oid)), derElement(DER.null));
  const info = derElement(DER.sequence, identifier, derElement(DER.octetString, digest));
  return pkcs1Block(info, size);
}

/** The block of type 1 around any payload (RFC 8017 section 9.2); undefined where it does not fit into `size` bytes. */
export function pkcs1Block(payload: Uint8Array, size: number): Uint8Array<ArrayBuffer> | undefined {
  if (payload.length + LEAST_OVERHEAD > size) return undefined;
  const padding = new Uint8Array(size - payload.length - 3).fill(0xff);
  return concat([Uint8Array.of(0, 1), padding, Uint8Array.of(0), payload]);
}

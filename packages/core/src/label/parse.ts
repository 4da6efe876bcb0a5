import { ByteReader, isAllZero } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import { hashAlgorithm, hashOfKernelId } from '../hash/index.ts';
import {
  LABEL_TYPES,
  type DigestLabel,
  type HmacLabel,
  type ParsedEvmLabel,
  type ParsedImaLabel,
  type SignatureLabel,
  type SignatureType,
  type SignatureV1Label,
} from './types.ts';

/** XATTR_SIZE_MAX of include/uapi/linux/limits.h: no attribute is larger. */
const LARGEST_VALUE = 65536;
const MD5_SIZE = 16;
const SHA1_SIZE = 20;
const V1_KEY_ID_SIZE = 8;
const V1_ALGORITHMS = ['sha1', 'sha256'] as const;

/**
 * Value of security.ima. Stricter than the kernel, which ignores bytes after a digest and takes `ima_hash` for an
 * unknown number of an algorithm: what is refused here should be labelled again, not relied on.
 *
 * @throws FormatError LABEL-FORM, HASH-UNKNOWN, BYTES-TRUNCATED, BYTES-TRAILING, BYTES-LIMIT
 */
export function parseImaLabel(raw: Uint8Array): ParsedImaLabel {
  const r = readerOf(raw, 'security.ima');
  const type = r.u8('type');
  switch (type) {
    case LABEL_TYPES.legacyDigest:
      return { ...readLegacyDigest(r), raw };
    case LABEL_TYPES.digest:
      return { ...readDigest(r), raw };
    case LABEL_TYPES.signature:
      return raw[1] === 1 ? { ...readSignatureV1(r), raw } : { ...readSignature(r, type), raw };
    case LABEL_TYPES.verity:
      return { ...readSignature(r, type), raw };
    default:
      throw unknownType('security.ima', type);
  }
}

/** Value of security.evm. @throws FormatError as `parseImaLabel` */
export function parseEvmLabel(raw: Uint8Array): ParsedEvmLabel {
  const r = readerOf(raw, 'security.evm');
  const type = r.u8('type');
  switch (type) {
    case LABEL_TYPES.hmac:
      return { ...readHmac(r), raw };
    case LABEL_TYPES.signature:
    case LABEL_TYPES.portable:
      return { ...readSignature(r, type), raw };
    default:
      throw unknownType('security.evm', type);
  }
}

function readerOf(raw: Uint8Array, name: string): ByteReader {
  if (raw.length > LARGEST_VALUE) throw new FormatError('BYTES-LIMIT', `${name} has ${raw.length} bytes, over 65536`);
  return new ByteReader(raw, name, { littleEndian: true });
}

function unknownType(name: string, type: number): FormatError {
  return refused(`${name} has no values of type 0x${type.toString(16).padStart(2, '0')}`, 0);
}

function refused(message: string, offset: number): FormatError {
  return new FormatError('LABEL-FORM', message, { offset });
}

/** Kernel: security/integrity/ima/ima_appraise.c, ima_get_hash_algo. */
function readLegacyDigest(r: ByteReader): DigestLabel {
  const algorithm = r.remaining === MD5_SIZE ? 'md5' : 'sha1';
  const digest = r.take(hashAlgorithm(algorithm).size, 'digest');
  r.end();
  if (endsAsPaddedMd5(digest)) throw refused('a digest of type 1 that ends in four zeros is MD5 to the kernel', 17);
  return { kind: 'digest', legacy: true, algorithm, digest };
}

/** The kernel reads a SHA-1 of type 1 that ends so as MD5 with zeros behind it. */
export function endsAsPaddedMd5(digest: Uint8Array): boolean {
  return digest.length === SHA1_SIZE && isAllZero(digest.subarray(MD5_SIZE));
}

function readDigest(r: ByteReader): DigestLabel {
  const { name, size } = hashOfKernelId(r.u8('algorithm'));
  const digest = r.take(size, 'digest');
  r.end();
  return { kind: 'digest', legacy: false, algorithm: name, digest };
}

function readHmac(r: ByteReader): HmacLabel {
  const hmac = r.take(SHA1_SIZE, 'HMAC');
  r.end();
  return { kind: 'hmac', hmac };
}

function readSignature(r: ByteReader, type: SignatureType): SignatureLabel {
  const version = r.u8('version');
  if (version !== 3 && (version !== 2 || type === LABEL_TYPES.verity)) {
    throw refused(`a signature of type ${type} has no version ${version}`, 1);
  }
  const algorithm = hashOfKernelId(r.u8('algorithm')).name;
  // The only big-endian fields.
  const tail = new ByteReader(r.bytes, 'signature', { offset: r.offset });
  const keyId = tail.u32('key id');
  const signature = tail.take(tail.u16('signature size'), 'signature');
  tail.end();
  if (signature.length === 0) throw refused('the signature is empty', 7);
  return { kind: 'signature', type, version, algorithm, keyId, signature };
}

function readSignatureV1(r: ByteReader): SignatureV1Label {
  r.u8('version');
  const time = r.u32('time');
  if (r.u8('key algorithm') !== 0) throw refused('a signature of version 1 is by another key than RSA', 6);
  const algorithm = V1_ALGORITHMS[r.u8('hash algorithm')];
  if (algorithm === undefined) throw refused('a signature of version 1 is over neither SHA-1 nor SHA-256', 7);
  const keyId = r.take(V1_KEY_ID_SIZE, 'key id');
  if (r.u8('number of integers') !== 1) throw refused('a signature of version 1 is not one integer', 16);
  const size = new ByteReader(r.take(2, 'signature size'), 'signature size');
  const bits = size.u16('bits');
  const signature = r.take(Math.ceil(bits / 8), 'signature');
  r.end();
  if (bits === 0) throw refused('the signature is empty', 17);
  return { kind: 'signature-v1', time, algorithm, keyId, bits, signature };
}

import { ByteWriter } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import { hashAlgorithm, type HashName } from '../hash/index.ts';
import { endsAsPaddedMd5, parseEvmLabel, parseImaLabel } from './parse.ts';
import {
  LABEL_TYPES,
  type DigestLabel,
  type EvmLabel,
  type ImaLabel,
  type SignatureLabel,
  type SignatureV1Label,
} from './types.ts';

/** Bytes of a value of security.ima. @throws FormatError where `parseImaLabel` would not read them back. */
export function encodeImaLabel(label: ImaLabel): Uint8Array<ArrayBuffer> {
  const bytes = encodeIma(label);
  parseImaLabel(bytes);
  return bytes;
}

/** Bytes of a value of security.evm. @throws FormatError where `parseEvmLabel` would not read them back. */
export function encodeEvmLabel(label: EvmLabel): Uint8Array<ArrayBuffer> {
  const bytes =
    label.kind === 'hmac' ? new ByteWriter().u8(LABEL_TYPES.hmac).bytes(label.hmac).finish() : encodeSignature(label);
  parseEvmLabel(bytes);
  return bytes;
}

/**
 * The label of a digest in the form that the kernel writes: type 1 for MD5 and SHA-1, else type 4
 * (ima_appraise.c, ima_fix_xattr). A SHA-1 that type 1 would turn into an MD5 gets type 4, which the kernel reads too.
 *
 * @throws FormatError LABEL-FORM where the digest has another size than its algorithm, HASH-UNKNOWN for MD4.
 */
export function digestLabel(algorithm: HashName, digest: Uint8Array): DigestLabel {
  const { size } = hashAlgorithm(algorithm);
  if (digest.length !== size) throw new FormatError('LABEL-FORM', `a digest of ${algorithm} has ${size} bytes`);
  // The kernel writes MD4 as type 1 and then reads it as MD5.
  if (algorithm === 'md4') throw new FormatError('HASH-UNKNOWN', 'the kernel cannot check labels of md4');
  const legacy = (algorithm === 'md5' || algorithm === 'sha1') && !endsAsPaddedMd5(digest);
  return { kind: 'digest', legacy, algorithm, digest };
}

function encodeIma(label: ImaLabel): Uint8Array<ArrayBuffer> {
  switch (label.kind) {
    case 'digest':
      return encodeDigest(label);
    case 'signature':
      return encodeSignature(label);
    case 'signature-v1':
      return encodeSignatureV1(label);
  }
}

function encodeDigest({ legacy, algorithm, digest }: DigestLabel): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  if (legacy) writer.u8(LABEL_TYPES.legacyDigest);
  else writer.u8(LABEL_TYPES.digest).u8(hashAlgorithm(algorithm).kernelId);
  return writer.bytes(digest).finish();
}

function encodeSignature(label: SignatureLabel): Uint8Array<ArrayBuffer> {
  return new ByteWriter()
    .u8(label.type)
    .u8(label.version)
    .u8(hashAlgorithm(label.algorithm).kernelId)
    .u32(label.keyId)
    .u16(label.signature.length)
    .bytes(label.signature)
    .finish();
}

function encodeSignatureV1(label: SignatureV1Label): Uint8Array<ArrayBuffer> {
  const start = new ByteWriter({ littleEndian: true }).u8(LABEL_TYPES.signature).u8(1).u32(label.time);
  start.u8(0).u8(label.algorithm === 'sha1' ? 0 : 1);
  const size = new ByteWriter().u16(label.bits).finish();
  return start.bytes(label.keyId).u8(1).bytes(size).bytes(label.signature).finish();
}

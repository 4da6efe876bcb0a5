import { ByteWriter, concat, utf8 } from '../bytes/index.ts';
import { verityHash, type VerityHash, type VerityParameters } from './parameters.ts';

const VERSION = 1;
const ROOT_SIZE = 64;
const SALT_SIZE = 32;
const RESERVED_SIZE = 144;

/**
 * The 256 bytes of which the file digest is the hash: struct fsverity_descriptor with a signature size of 0
 * (fs/verity/fsverity_private.h; fs/verity/open.c, compute_file_digest).
 *
 * @param fileSize in bytes.
 */
export function verityDescriptor(
  { algorithm, blockSize, salt }: VerityParameters,
  fileSize: number,
  root: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return new ByteWriter({ littleEndian: true })
    .u8(VERSION)
    .u8(verityHash(algorithm).id)
    .u8(Math.log2(blockSize))
    .u8(salt.length)
    .u32(0)
    .u64(BigInt(fileSize))
    .bytes(zeroPadded(root, ROOT_SIZE))
    .bytes(zeroPadded(salt, SALT_SIZE))
    .bytes(new Uint8Array(RESERVED_SIZE))
    .finish();
}

/**
 * What a built-in signature of fs-verity is over: struct fsverity_formatted_digest (include/uapi/linux/fsverity.h).
 * It has nothing to do with `security.ima`.
 */
export function formattedDigest(algorithm: VerityHash, digest: Uint8Array): Uint8Array<ArrayBuffer> {
  const numbers = new ByteWriter({ littleEndian: true }).u16(verityHash(algorithm).id).u16(digest.length);
  return concat([utf8('FSVerity'), numbers.finish(), digest]);
}

/** Zeros behind. */
export function zeroPadded(bytes: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const padded = new Uint8Array(size);
  padded.set(bytes);
  return padded;
}

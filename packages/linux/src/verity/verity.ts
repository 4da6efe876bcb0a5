import { constants } from 'node:os';
import { address } from 'koffi';
import { SystemError } from '@assay/core/errors';
import type { VerityHash, VerityParameters } from '@assay/core/verity';
import { callFailed, ioctl, lastErrno } from '../libc/index.ts';

/** include/uapi/linux/fsverity.h */
const FS_IOC_ENABLE_VERITY = 0x4080_6685;
const FS_IOC_MEASURE_VERITY = 0xc004_6686;
const HASH_IDS = { sha256: 1, sha512: 2 } as const;
const LARGEST_DIGEST = 64;

const { ENODATA, ENOTTY, EOPNOTSUPP, EEXIST, ENOTSUP } = constants.errno;

/**
 * fs-verity digest of an open file as the kernel enforces it; undefined where fs-verity is not enabled on it, or the file
 * system or kernel has none.
 * @throws SystemError SYSTEM-CALL, NOT-PERMITTED
 */
export function measureVerity(fd: number): { readonly algorithm: VerityHash; readonly digest: Uint8Array } | undefined {
  const answer = Buffer.alloc(4 + LARGEST_DIGEST);
  answer.writeUInt16LE(LARGEST_DIGEST, 2);
  if (ioctl(fd, FS_IOC_MEASURE_VERITY, answer) < 0) {
    const errno = lastErrno();
    if ([ENODATA, ENOTTY, EOPNOTSUPP, ENOTSUP].includes(errno)) return undefined;
    throw callFailed('ioctl FS_IOC_MEASURE_VERITY', errno);
  }
  const algorithm = answer.readUInt16LE(0) === HASH_IDS.sha256 ? 'sha256' : 'sha512';
  return { algorithm, digest: Uint8Array.from(answer.subarray(4, 4 + answer.readUInt16LE(2))) };
}

/**
 * Enables fs-verity on a file that is open for reading and that nobody has open for writing. It can never be disabled.
 * @returns false where it was enabled before
 * @throws SystemError KERNEL-LACKS, NOT-PERMITTED, SYSTEM-CALL
 */
export function enableVerity(fd: number, { algorithm, blockSize, salt }: VerityParameters): boolean {
  const salted = Buffer.from(salt);
  const argument = Buffer.alloc(128);
  const words = [1, HASH_IDS[algorithm], blockSize, salted.length];
  for (const [index, word] of words.entries()) argument.writeUInt32LE(word, 4 * index);
  if (salted.length > 0) argument.writeBigUInt64LE(address(salted), 16);
  if (ioctl(fd, FS_IOC_ENABLE_VERITY, argument) >= 0) return true;
  const errno = lastErrno();
  if (errno === EEXIST) return false;
  if ([ENOTTY, EOPNOTSUPP, ENOTSUP].includes(errno)) {
    const reason = 'this file system, or the kernel, does not have it (ext4: mkfs.ext4 -O verity)';
    throw new SystemError('KERNEL-LACKS', `fs-verity: ${reason}`);
  }
  throw callFailed('ioctl FS_IOC_ENABLE_VERITY', errno);
}

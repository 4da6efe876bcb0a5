import { fstatSync, readdirSync, statSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { fromHex } from '@assay/core/bytes';
import { callFailed, ioctl, lastErrno } from '../libc/index.ts';
import { fileSystemMagic } from './descriptor.ts';

/** include/uapi/linux/fs.h: _IOR('v', 1, long), of which the kernel writes an int. */
const FS_IOC_GETVERSION = 0x8008_7601;
/** include/uapi/linux/fs.h: _IOR('f', 1, long), of which the kernel writes an int. */
const FS_IOC_GETFLAGS = 0x8008_6601;
/** _IOR(0x15, 0, struct fsuuid2), since Linux 6.9. */
const FS_IOC_GETFSUUID = 0x8011_1500;
const UUID_SIZE = 16;
/** include/uapi/linux/btrfs.h: _IOR(0x94, 31, struct btrfs_ioctl_fs_info_args), and the place of the UUID in it */
const BTRFS_IOC_FS_INFO = { request: 0x8400_941f, size: 1024, uuid: 16 };
const BTRFS_MAGIC = 0x9123_683e;
const BY_UUID = '/dev/disk/by-uuid';

const { ENOTTY, ENOSYS, EOPNOTSUPP, EINVAL } = constants.errno;

/**
 * Generation of an open inode, which EVM binds its labels to; undefined where the file system tells none.
 * @throws SystemError SYSTEM-CALL
 */
export function inodeGeneration(fd: number): number | undefined {
  const answer = asked(fd, FS_IOC_GETVERSION, 8, 'ioctl FS_IOC_GETVERSION');
  return answer?.readUInt32LE(0);
}

/**
 * Flags of an open inode, such as FS_IMMUTABLE_FL; undefined where the file system has none.
 * @throws SystemError SYSTEM-CALL
 */
export function inodeFlags(fd: number): number | undefined {
  return asked(fd, FS_IOC_GETFLAGS, 8, 'ioctl FS_IOC_GETFLAGS')?.readUInt32LE(0);
}

/**
 * UUID of the file system that holds an open file: 16 bytes, as EVM takes it from its superblock. Undefined where neither the
 * kernel (6.9 and later; for btrfs any) nor udev says it.
 * @throws SystemError SYSTEM-CALL
 */
export function fileSystemUuid(fd: number): Uint8Array | undefined {
  const answer = asked(fd, FS_IOC_GETFSUUID, 1 + UUID_SIZE, 'ioctl FS_IOC_GETFSUUID');
  if (answer?.[0] === UUID_SIZE) return Uint8Array.from(answer.subarray(1));
  if (fileSystemMagic(fd) >>> 0 === BTRFS_MAGIC) return uuidOfBtrfs(fd);
  return uuidOfDevice(fstatSync(fd).dev);
}

function asked(fd: number, request: number, size: number, call: string): Buffer | undefined {
  const answer = Buffer.alloc(size);
  if (ioctl(fd, request, answer) >= 0) return answer;
  const errno = lastErrno();
  if ([ENOTTY, ENOSYS, EOPNOTSUPP, EINVAL].includes(errno)) return undefined;
  throw callFailed(call, errno);
}

/** It does not answer FS_IOC_GETFSUUID, and no block device has its number. */
function uuidOfBtrfs(fd: number): Uint8Array | undefined {
  const { request, size, uuid } = BTRFS_IOC_FS_INFO;
  const answer = asked(fd, request, size, 'ioctl BTRFS_IOC_FS_INFO');
  return answer === undefined ? undefined : Uint8Array.from(answer.subarray(uuid, uuid + UUID_SIZE));
}

/** Links that udev keeps, one for each block device with a file system. */
function uuidOfDevice(device: number): Uint8Array | undefined {
  try {
    const name = readdirSync(BY_UUID).find((each) => statSync(join(BY_UUID, each)).rdev === device);
    const hex = name?.replaceAll('-', '') ?? '';
    return /^[0-9a-f]{32}$/.test(hex) ? fromHex(hex) : undefined;
  } catch {
    return undefined; // No udev.
  }
}

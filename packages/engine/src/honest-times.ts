import type { FileStatus } from '@assay/linux/files';

/** include/uapi/linux/magic.h */
const EXT4 = 0xef53;
export const BTRFS = 0x9123683e;

/**
 * Whether a file that changes gets another ctime, or is another one for `FileStatus`: on ext4 and btrfs, where a store through a
 * shared mapping changes the ctime. On tmpfs it does not. On xfs it does, but XFS_IOC_SWAPEXT lets whoever may write to two files
 * exchange their content, and leaves the ctime as it is. overlayfs answers for another file system, and a FUSE or network server
 * says what it likes. Files of snapshots of btrfs have all in common but the subvolume, of which the kernel tells since 6.10.
 * @param magic of the file system, 32 bits
 */
export function hasHonestTimes(magic: number, status: Pick<FileStatus, 'hasSubvolume'>): boolean {
  return magic === EXT4 || (magic === BTRFS && status.hasSubvolume);
}

import { release } from 'node:os';

/**
 * Two ticks of the slowest clock (CONFIG_HZ=100): a file that changed later than this may change again without another
 * ctime. Since 6.13 a change after a ctime that somebody read leaves another one (FS_MGTIME, on ext4, xfs and btrfs).
 */
const SETTLED_MS = 20;
/** Two ticks of inodes that have no room for less than a second (ext4 with inodes of 128 bytes, ext2). */
const SETTLED_COARSE_MS = 2000;

const [major = 0, minor = 0] = release().split('.').map(Number);
const isFineGrained = major > 6 || (major === 6 && minor >= 13);

/** @param changeTime milliseconds since 1970 */
export function isSettled(changeTime: number): boolean {
  if (Number.isInteger(changeTime / 1000)) return Date.now() - changeTime >= SETTLED_COARSE_MS;
  return isFineGrained || Date.now() - changeTime >= SETTLED_MS;
}

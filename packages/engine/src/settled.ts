/**
 * Two ticks of the slowest clock (CONFIG_HZ=100): a file that changed later than this may change again without another
 * ctime. Since 6.13 a change after a ctime that somebody read leaves another one (FS_MGTIME), but that it was read is known as
 * long as the inode is in memory: one that was dropped and read again gets the time of the tick.
 */
const SETTLED_MS = 20;
/** Two ticks of inodes that have no room for less than a second (ext4 with inodes of 128 bytes, ext2). */
const SETTLED_COARSE_MS = 2000;

/**
 * @param changeTime milliseconds since 1970
 * @param now the same, of the clock that the times of files are of
 */
export function isSettled(changeTime: number, now = Date.now()): boolean {
  return now - changeTime >= (Number.isInteger(changeTime / 1000) ? SETTLED_COARSE_MS : SETTLED_MS);
}

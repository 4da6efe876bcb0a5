import { readlinkSync, statfsSync } from 'node:fs';

/**
 * Path of an open file as the kernel shows it in this process's root (fs/d_path.c): bytes, not necessarily UTF-8;
 * ` (deleted)` at the end of a file without a name.
 * @returns undefined where the path is longer than a page
 */
export function descriptorPath(fd: number): Uint8Array | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENAMETOOLONG') return undefined;
    throw error;
  }
}

/** Magic number of the file system that holds an open file (include/uapi/linux/magic.h). */
export function fileSystemMagic(fd: number): number {
  return statfsSync(`/proc/self/fd/${fd}`).type;
}

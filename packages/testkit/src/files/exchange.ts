import {
  appendFileSync,
  closeSync,
  copyFileSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { AT_FDCWD, calls, checked, onArchitecture, syscall } from './libc.ts';

// Ways to give a file other content without writing to it.

const IOCTL = onArchitecture({ x64: 16, arm64: 29 });
const OPENAT = onArchitecture({ x64: 257, arm64: 56 });
const LINKAT = onArchitecture({ x64: 265, arm64: 37 });
const RENAMEAT2 = onArchitecture({ x64: 316, arm64: 276 });
const NAME_TO_HANDLE_AT = onArchitecture({ x64: 303, arm64: 264 });
const OPEN_BY_HANDLE_AT = onArchitecture({ x64: 304, arm64: 265 });

/** include/uapi/linux/fs.h: _IOW(0x94, 9, int), _IOW(0x94, 13, struct file_clone_range) */
const FICLONE = 0x4004_9409;
const FICLONERANGE = 0x4020_940d;
/** fs/ext4/ext4.h */
const EXT4_IOC_SWAP_BOOT = 0x6611;
/** _IOWR('f', 15, struct move_extent) */
const EXT4_IOC_MOVE_EXT = 0xc028_660f;
/** fs/xfs/libxfs/xfs_fs.h: _IOWR('X', 109, struct xfs_swapext), and the sizes and places in it */
const XFS_IOC_SWAPEXT = 0xc0c0_586d;
const SWAPEXT = { size: 192, target: 8, other: 16, length: 32, stat: 56 };
/** struct xfs_bstat: what of it is compared with the inode */
const STAT = { mtime: 56, ctime: 72 };

const OPENAT2 = 437;

const AT_SYMLINK_FOLLOW = 0x400;
const RENAME_EXCHANGE = 2;
const O_RDWR = 2;
const O_TMPFILE = onArchitecture({ x64: 0o20200000, arm64: 0o20040000 });
/** MAX_HANDLE_SZ, behind two words */
const HANDLE = { length: 128, start: 8 };
const BLOCK = 4096;
const SECOND = 1_000_000_000n;

/** What the inode of the boot loader has becomes the content of a file of ext4, and the other way round. */
export function swapWithBootLoader(path: string, content: Uint8Array): void {
  const other = changedCopy(path, content);
  for (const each of [other, path]) withDescriptor(each, 'r+', (fd) => syscall('ioctl', IOCTL, fd, EXT4_IOC_SWAP_BOOT));
  rmSync(other);
}

/** A file of ext4 gets other blocks for its first ones; the kernel takes the content along (EXT4_IOC_MOVE_EXT). */
export function moveBlocks(path: string): void {
  const other = `${path}.other`;
  writeFileSync(other, new Uint8Array(statSync(path).size), { flush: true });
  withDescriptor(other, 'r+', (donor) =>
    withDescriptor(path, 'r+', (fd) => {
      const request = Buffer.alloc(40);
      request.writeUInt32LE(donor, 4);
      request.writeBigUInt64LE(1n, 24);
      return syscall('ioctl', IOCTL, fd, EXT4_IOC_MOVE_EXT, request);
    }),
  );
  rmSync(other);
}

/** Two files of xfs exchange their content (xfs_swap_extents): meant for files of the same content, which nobody checks. */
export function swapExtents(path: string, content: Uint8Array): void {
  const other = `${path}.other`;
  // In one piece: it must not have more extents than the file.
  writeFileSync(other, Buffer.concat([readFileSync(path).subarray(0, -content.length), content]), { flush: true });
  const { size, mtimeNs, ctimeNs } = statSync(path, { bigint: true });
  const request = Buffer.alloc(SWAPEXT.size);
  withDescriptor(other, 'r+', (to) => {
    withDescriptor(path, 'r+', (fd) => {
      request.writeBigInt64LE(BigInt(fd), SWAPEXT.target);
      request.writeBigInt64LE(BigInt(to), SWAPEXT.other);
      request.writeBigInt64LE(size, SWAPEXT.length);
      writeTime(request, SWAPEXT.stat + STAT.mtime, mtimeNs);
      writeTime(request, SWAPEXT.stat + STAT.ctime, ctimeNs);
      return syscall('ioctl', IOCTL, fd, XFS_IOC_SWAPEXT, request);
    });
  });
  rmSync(other);
}

/** struct xfs_bstime */
function writeTime(request: Buffer, at: number, nanoseconds: bigint): void {
  request.writeBigInt64LE(nanoseconds / SECOND, at);
  request.writeInt32LE(Number(nanoseconds % SECOND), at + 8);
}

/** The last block becomes one of another file's, by reference. */
export function cloneRange(path: string, content: Uint8Array): void {
  const other = `${path}.other`;
  withDescriptor(other, 'w', (fd) => checked('write', calls.write(fd, content, content.length)));
  const at = Math.floor((statSync(path).size - 1) / BLOCK) * BLOCK;
  withDescriptor(other, 'r', (from) =>
    withDescriptor(path, 'r+', (to) => {
      const request = Buffer.alloc(32);
      for (const [index, value] of [from, 0, BLOCK, at].entries()) request.writeBigInt64LE(BigInt(value), 8 * index);
      return syscall('ioctl', IOCTL, to, FICLONERANGE, request);
    }),
  );
  rmSync(other);
}

/** All blocks become those of another file, by reference. */
export function cloneFile(path: string, content: Uint8Array): void {
  const other = changedCopy(path, content);
  withDescriptor(other, 'r', (from) => withDescriptor(path, 'r+', (to) => syscall('ioctl', IOCTL, to, FICLONE, from)));
  rmSync(other);
}

/** renameat2(2): both names stay, and each has the other's file. */
export function exchangeNames(path: string, content: Uint8Array): void {
  const other = changedCopy(path, content);
  syscall('renameat2', RENAMEAT2, AT_FDCWD, path, AT_FDCWD, other, RENAME_EXCHANGE);
  rmSync(other);
}

/** A file that had no name until it was whole (O_TMPFILE and linkat(2)). */
export function linkUnnamed(path: string, content: Uint8Array): void {
  const source = changedCopy(path, content);
  const named = `${path}.named`;
  const fd = openUnnamed(dirname(path));
  try {
    copyFileSync(source, `/proc/self/fd/${fd}`);
    syscall('linkat', LINKAT, AT_FDCWD, `/proc/self/fd/${fd}`, AT_FDCWD, named, AT_SYMLINK_FOLLOW);
  } finally {
    calls.close(fd);
  }
  renameSync(named, path);
  rmSync(source);
}

/** @returns a descriptor for reading and writing of a new file */
export function openUnnamed(directory: string): number {
  return syscall('openat', OPENAT, AT_FDCWD, directory, O_TMPFILE | O_RDWR, 0o755);
}

/** A descriptor of the file that was opened by no path (open_by_handle_at(2)). */
export function openByHandle(path: string, flags: number): number {
  const handle = Buffer.alloc(HANDLE.start + HANDLE.length);
  handle.writeUInt32LE(HANDLE.length);
  syscall('name_to_handle_at', NAME_TO_HANDLE_AT, AT_FDCWD, path, handle, Buffer.alloc(4), 0);
  const mount = openSync(dirname(path), 'r');
  try {
    return syscall('open_by_handle_at', OPEN_BY_HANDLE_AT, mount, handle, flags);
  } finally {
    closeSync(mount);
  }
}

function changedCopy(path: string, content: Uint8Array): string {
  copyFileSync(path, `${path}.changed`);
  appendFileSync(`${path}.changed`, content);
  return `${path}.changed`;
}

function withDescriptor(path: string, flags: string, use: (fd: number) => unknown): void {
  const fd = openSync(path, flags);
  try {
    use(fd);
  } finally {
    closeSync(fd);
  }
}

/**
 * Opens a file by openat2(2), whose flags lie in the memory of who asks: for reading only. To be closed.
 * @throws Error with the name of errno
 */
export function openByMemory(path: string): number {
  const how = Buffer.alloc(24);
  return syscall('openat2', OPENAT2, AT_FDCWD, path, how, how.length);
}

import { fstatSync } from 'node:fs';

/** What tells one state of a file from another, as far as the kernel says it. */
export interface FileIdentity {
  readonly device: bigint;
  readonly inode: bigint;
  /** Nanoseconds since 1970; 0 where the file system keeps no birth time. */
  readonly birthTime: bigint;
  /** Bytes. */
  readonly size: bigint;
  /** Time of the last change of content or metadata, nanoseconds since 1970. */
  readonly changeTime: bigint;
}

/** Identity of an open file. */
export function fileIdentity(fd: number): FileIdentity {
  const stat = fstatSync(fd, { bigint: true });
  return {
    device: stat.dev,
    inode: stat.ino,
    birthTime: stat.birthtimeNs,
    size: stat.size,
    changeTime: stat.ctimeNs,
  };
}

/** One text per identity. */
export function identityKey(identity: FileIdentity): string {
  const { device, inode, birthTime, size, changeTime } = identity;
  return `${device}:${inode}:${birthTime}:${size}:${changeTime}`;
}

import { createHash } from 'node:crypto';
import { fstatSync, lstatSync, readlinkSync, type BigIntStats } from 'node:fs';
import { toHex } from '@assay/core/bytes';
import { SystemError } from '@assay/core/errors';
import type { BaselineObject, ObjectType } from '@assay/core/baseline';
import { getXattr, listXattrs, type XattrTarget } from '../xattr/index.ts';

/** What is known of an inode without its content. Plain data, which threads can hand over. */
export interface InodeFacts
  extends Pick<BaselineObject, 'type' | 'mode' | 'uid' | 'gid' | 'size' | 'links' | 'inode' | 'mtime' | 'ctime'> {
  /** One text per inode, however many names it has. */
  readonly identity: string;
  /** Names in the order of their characters, each with its value as a baseline writes it. */
  readonly xattrs: readonly (readonly [name: string, value: string])[];
  /** Major and minor number of a device. */
  readonly device?: string;
  /** What a symbolic link leads to, one character per byte. */
  readonly target?: string;
}

/** Longer values are kept as their digest. */
const LONGEST_VALUE = 256;

/**
 * @param target an open descriptor, or a path, at whose end no link is followed
 * @throws SystemError NOT-PERMITTED, SYSTEM-CALL; Error of stat(2) and readlink(2)
 */
export function inodeFacts(target: XattrTarget): InodeFacts {
  const stats =
    typeof target === 'number' ? fstatSync(target, { bigint: true }) : lstatSync(Buffer.from(target), { bigint: true });
  const type = typeOf(stats);
  return {
    type,
    mode: Number(stats.mode & 0o7777n),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    size: Number(stats.size),
    links: Number(stats.nlink),
    inode: String(stats.ino),
    mtime: timeText(stats.mtimeNs),
    ctime: timeText(stats.ctimeNs),
    identity: `${stats.dev}:${stats.ino}`,
    xattrs: attributes(target),
    ...(type === 'character' || type === 'block' ? { device: deviceText(stats.rdev) } : {}),
    ...(type === 'link' && typeof target !== 'number' ? { target: linkTarget(target) } : {}),
  };
}

function typeOf(stats: BigIntStats): ObjectType {
  if (stats.isFile()) return 'file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isSymbolicLink()) return 'link';
  if (stats.isFIFO()) return 'fifo';
  if (stats.isSocket()) return 'socket';
  return stats.isBlockDevice() ? 'block' : 'character';
}

function timeText(nanoseconds: bigint): string {
  const BILLION = 1_000_000_000n;
  const rest = ((nanoseconds % BILLION) + BILLION) % BILLION;
  return `${(nanoseconds - rest) / BILLION}.${String(rest).padStart(9, '0')}`;
}

/** The C library's dev_t (glibc, bits/sysmacros.h). */
function deviceText(rdev: bigint): string {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & 0xffff_f000n);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & 0xffff_ff00n);
  return `${major}:${minor}`;
}

function linkTarget(path: Uint8Array): string {
  return readlinkSync(Buffer.from(path), { encoding: 'buffer' }).toString('latin1');
}

function attributes(target: XattrTarget): [string, string][] {
  return names(target)
    .toSorted()
    .map((name) => [name, valueText(target, name)]);
}

function names(target: XattrTarget): string[] {
  try {
    return listXattrs(target);
  } catch (error) {
    if (error instanceof SystemError && error.code === 'XATTR-UNSUPPORTED') return [];
    throw error;
  }
}

function valueText(target: XattrTarget, name: string): string {
  const value = getXattr(target, name);
  if (value === undefined) throw new SystemError('SYSTEM-CALL', 'an attribute went away, or its name is not UTF-8');
  if (value.length <= LONGEST_VALUE) return toHex(value);
  return `sha256:${createHash('sha256').update(value).digest('hex')}`;
}

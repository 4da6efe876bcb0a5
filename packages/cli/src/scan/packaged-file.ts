import { closeSync, constants, openSync } from 'node:fs';
import { isBelow } from '@assay/core/baseline';
import { toHex } from '@assay/core/bytes';
import type { HashName } from '@assay/core/hash';
import { hashFile } from '@assay/linux/files';

const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;
/** Directories that are links into /usr on merged systems: packages may name their files by them. */
const MERGED = /^\/usr(\/(?:bin|sbin|lib|lib32|lib64|libx32)\/)/;

/** Path as the system below the root has it; both one character per byte. */
export function inside(path: string, root: string): string {
  const bytes = Buffer.from(root === '/' ? root : root.replace(/\/+$/, '')).toString('latin1');
  return bytes !== '/' && isBelow(path, bytes) ? path.slice(bytes.length) : path;
}

/** Names that packages may have for a path. */
export function packagedNames(path: string): readonly string[] {
  const merged = path.replace(MERGED, '$1');
  return merged === path ? [path] : [path, merged];
}

/** `ALGORITHM:HEX` of a file as it is; undefined where it cannot be read, or changes all the time. */
export function actualDigest(path: string, algorithm: HashName): string | undefined {
  let fd: number | undefined;
  try {
    fd = openSync(Buffer.from(path, 'latin1'), OPEN_FLAGS);
    const outcome = hashFile(fd, [algorithm], () => false);
    const digest = outcome.outcome === 'hashed' ? outcome.digests.get(algorithm) : undefined;
    return digest === undefined ? undefined : `${algorithm}:${toHex(digest)}`;
  } catch {
    return undefined;
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

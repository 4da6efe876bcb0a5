import { createHash, hash } from 'node:crypto';
import { readSync } from 'node:fs';
import type { HashName } from '@assay/core/hash';
import { fileIdentity, identityKey, type FileIdentity } from './identity.ts';

/**
 * Never mapped: a file that is cut short while it is mapped would kill the process with SIGBUS. What fits is hashed by one
 * call, which makes no object. One buffer per thread, as hashing is synchronous.
 */
const buffer = Buffer.allocUnsafeSlow(256 * 1024);
/** Of larger files. Larger reads are not faster. */
const PART = 128 * 1024;

/** A file that is written all the time is given up after this many passes. */
const PASSES = 3;

export type HashOutcome =
  | { readonly outcome: 'hashed'; readonly digests: ReadonlyMap<HashName, Uint8Array>; readonly identity: FileIdentity }
  /** The file changed during each pass. */
  | { readonly outcome: 'changing' }
  /** `giveUp` said so. */
  | { readonly outcome: 'given-up' };

/**
 * Digests of the content of an open file, all in one pass, from byte 0 on whatever the file offset is. Blocks the
 * thread. A file whose identity changed meanwhile is read again.
 * @param giveUp asked before every read: a sparse file may claim exabytes
 * @throws Error of read(2) or fstat(2)
 */
export function hashFile(fd: number, algorithms: readonly HashName[], giveUp: () => boolean): HashOutcome {
  for (let pass = 0; pass < PASSES; pass++) {
    const before = fileIdentity(fd);
    if (giveUp()) return { outcome: 'given-up' };
    const digests = hashAtOnce(fd, algorithms, before) ?? hashInParts(fd, algorithms, giveUp);
    if (digests === undefined) return { outcome: 'given-up' };
    const identity = fileIdentity(fd);
    if (identityKey(before) === identityKey(identity)) return { outcome: 'hashed', digests, identity };
  }
  return { outcome: 'changing' };
}

/** What fits into the buffer is one call for each algorithm. Undefined: it does not, or another length was read. */
function hashAtOnce(
  fd: number,
  algorithms: readonly HashName[],
  { size }: FileIdentity,
): ReadonlyMap<HashName, Uint8Array> | undefined {
  if (size >= BigInt(buffer.length)) return undefined;
  const content = buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, 0));
  if (BigInt(content.length) !== size) return undefined;
  return new Map(algorithms.map((name) => [name, hash(name, content, 'buffer')]));
}

function hashInParts(
  fd: number,
  algorithms: readonly HashName[],
  giveUp: () => boolean,
): ReadonlyMap<HashName, Uint8Array> | undefined {
  const hashes = algorithms.map((name) => ({ name, digest: createHash(name) }));
  let position = 0;
  for (;;) {
    if (giveUp()) return undefined;
    const length = readSync(fd, buffer, 0, PART, position);
    if (length === 0) break;
    const part = buffer.subarray(0, length);
    for (const { digest } of hashes) digest.update(part);
    position += length;
  }
  return new Map(hashes.map(({ name, digest }) => [name, digest.digest()]));
}

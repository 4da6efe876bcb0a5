import { createHash } from 'node:crypto';
import { readSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import type { HashName } from '@assay/core/hash';
import { VerityDigest, type VerityParameters } from '@assay/core/verity';
import type { ComputedDigest } from '@assay/core/label';
import { fastHasher } from '../digests/index.ts';

/**
 * Never mapped: a file that is cut short while it is mapped would kill the process. One buffer per thread, as nobody waits
 * while it is in use.
 */
const buffer = Buffer.allocUnsafeSlow(128 * 1024);

/** A signal is answered, and progress shown, after so many bytes of one file. */
const TURN_BYTES = 16 * 1024 * 1024;

/**
 * Digest of the whole content, whatever the file offset is.
 * @param size of the file in bytes, as stat gives it; the caller looks whether it stays so
 * @throws Error of read(2); SystemError HASH-UNAVAILABLE
 */
export function contentDigest(fd: number, algorithm: HashName, size: number): ComputedDigest | Promise<ComputedDigest> {
  if (size >= TURN_BYTES) return largeDigest(fd, algorithm);
  if (size < buffer.length) {
    const length = fill(fd, 0);
    if (length < buffer.length) return { algorithm, value: fastHasher.digest(algorithm, buffer.subarray(0, length)) };
  }
  const hash = createHash(algorithm);
  for (const part of parts(fd)) hash.update(part);
  return { algorithm, value: hash.digest() };
}

/**
 * Reading in another thread, while this one hashes, is no faster: the kernel reads ahead by itself, and bytes that were
 * copied by the processor that hashes them are in its cache.
 */
async function largeDigest(fd: number, algorithm: HashName): Promise<ComputedDigest> {
  const hash = createHash(algorithm);
  let due = TURN_BYTES;
  for (const part of parts(fd)) {
    hash.update(part);
    due -= part.length;
    if (due > 0) continue;
    await turn();
    due = TURN_BYTES;
  }
  return { algorithm, value: hash.digest() };
}

/** fs-verity digest of the whole content. @throws Error of read(2); FormatError VERITY-PARAMETER */
export function verityDigest(fd: number, parameters: VerityParameters): ComputedDigest {
  const digest = new VerityDigest(fastHasher, parameters);
  for (const part of parts(fd)) digest.update(part);
  return { algorithm: parameters.algorithm, value: digest.finish().digest };
}

function* parts(fd: number): Generator<Buffer> {
  for (let position = 0; ; ) {
    const length = fill(fd, position);
    if (length === 0) return;
    yield buffer.subarray(0, length);
    position += length;
  }
}

function fill(fd: number, position: number): number {
  return readSync(fd, buffer, 0, buffer.length, position);
}

import { createHash } from 'node:crypto';
import { read as readWithCallback, readSync } from 'node:fs';
import { promisify } from 'node:util';
import type { HashName } from '@assay/core/hash';
import { VerityDigest, type VerityParameters } from '@assay/core/verity';
import type { ComputedDigest } from '@assay/core/label';
import { fastHasher } from '../digests/index.ts';

const read = promisify(readWithCallback);

/**
 * Never mapped: a file that is cut short while it is mapped would kill the process. One buffer per thread, as nobody waits
 * while it is in use.
 */
const buffer = Buffer.allocUnsafeSlow(128 * 1024);

/** From here on it pays to read and hash at the same time, on two processors; it takes more time of both. */
const LARGE = 16 * 1024 * 1024;
const LARGE_PART = 512 * 1024;

/**
 * Digest of the whole content, whatever the file offset is.
 * @param size of the file in bytes, as stat gives it; the caller looks whether it stays so
 * @throws Error of read(2); SystemError HASH-UNAVAILABLE
 */
export function contentDigest(fd: number, algorithm: HashName, size: number): ComputedDigest | Promise<ComputedDigest> {
  if (size >= LARGE) return largeDigest(fd, algorithm);
  if (size < buffer.length) {
    const length = fill(fd, 0);
    if (length < buffer.length) return { algorithm, value: fastHasher.digest(algorithm, buffer.subarray(0, length)) };
  }
  const hash = createHash(algorithm);
  for (const part of parts(fd)) hash.update(part);
  return { algorithm, value: hash.digest() };
}

/** The next part is read by another thread while this one hashes. */
async function largeDigest(fd: number, algorithm: HashName): Promise<ComputedDigest> {
  let [part, other] = [Buffer.allocUnsafeSlow(LARGE_PART), Buffer.allocUnsafeSlow(LARGE_PART)];
  const hash = createHash(algorithm);
  let reading = read(fd, part, 0, LARGE_PART, 0);
  for (let position = 0; ; ) {
    const { bytesRead } = await reading;
    if (bytesRead === 0) return { algorithm, value: hash.digest() };
    position += bytesRead;
    reading = read(fd, other, 0, LARGE_PART, position);
    hash.update(part.subarray(0, bytesRead));
    [part, other] = [other, part];
  }
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

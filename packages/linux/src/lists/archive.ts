import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { equalBytes } from '@assay/core/bytes';
import { FormatError, VerificationError } from '@assay/core/errors';
import { firstRecord, rotationOf, type Rotation } from '@assay/core/measurement';

/** Symbolic link beside the files of an engine's list, to the directory with what they no longer hold. */
export const ARCHIVE_LINK = 'archive';

/** Longer than the record of a rotation, and than boot_aggregate. */
export const FIRST_RECORD_LIMIT = 128 * 1024;

export function segmentName(segment: number): string {
  return `segment-${String(segment).padStart(6, '0')}`;
}

/** A part of a list in the archive, as long as the list says. */
export interface Segment {
  readonly path: string;
  readonly bytes: number;
  /** In the list, of its first byte. */
  readonly offset: number;
  /** The record behind it in the list. */
  readonly receipt: Rotation;
}

export interface Archived {
  /** Oldest first. */
  readonly segments: readonly Segment[];
  /** What is missing before them; undefined where they begin with the list. */
  readonly missing: Rotation | undefined;
}

/**
 * What an archive has of a list before the record of a rotation, as far back as its segments are there. Their digests are for
 * `checkSegments`.
 * @throws VerificationError IMA-ARCHIVE where a segment is not as long as the list says; Error of the file system but ENOENT
 */
export async function archiveBefore(directory: string, record: Rotation | undefined): Promise<Archived> {
  const segments: Segment[] = [];
  let receipt = record;
  while (receipt !== undefined) {
    const found = await segmentOf(directory, receipt);
    if (found === undefined) break;
    segments.unshift(found.segment);
    receipt = found.before;
  }
  return { segments, missing: receipt };
}

async function segmentOf(
  directory: string,
  receipt: Rotation,
): Promise<{ readonly segment: Segment; readonly before: Rotation | undefined } | undefined> {
  const path = join(directory, segmentName(receipt.segment));
  const file = await openIfThere(path);
  if (file === undefined) return undefined;
  try {
    const { size: bytes } = await file.stat();
    const before = rotationIn(await headOf(file), receipt, path);
    const offset = receipt.bytes - bytes;
    if (offset !== (before?.bytes ?? 0) || (before?.segment ?? 0) >= receipt.segment) {
      throw damaged(path, `has ${bytes} bytes, which is not what the list says of it: it is torn, or of another list`);
    }
    return { segment: { path, bytes, offset, receipt }, before };
  } finally {
    await file.close();
  }
}

async function openIfThere(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return undefined;
    throw error;
  }
}

/** The first bytes of a file. */
export async function headOf(file: FileHandle): Promise<Uint8Array> {
  const head = Buffer.allocUnsafe(FIRST_RECORD_LIMIT);
  let length = 0;
  while (length < head.length) {
    const { bytesRead } = await file.read(head, length, head.length - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return head.subarray(0, length);
}

function rotationIn(head: Uint8Array, { bank }: Rotation, path: string): Rotation | undefined {
  try {
    const first = firstRecord(head, { format: 'binary', bank });
    if (first === undefined) throw damaged(path, 'does not begin with a whole entry');
    return rotationOf(first);
  } catch (error) {
    if (error instanceof FormatError) throw damaged(path, `does not begin as a part of a list does: ${error.message}`);
    throw error;
  }
}

/** @throws VerificationError IMA-ARCHIVE where a segment does not have the digest that the list has of it */
export async function checkSegments(segments: readonly Segment[]): Promise<void> {
  for (const { path, receipt } of segments) {
    const hash = createHash('sha256');
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(bytesOf(chunk));
    if (!equalBytes(hash.digest(), receipt.sha256)) {
      throw damaged(path, `does not have the digest that entry ${receipt.entries + 1} of the list has of it`);
    }
  }
}

function bytesOf(chunk: unknown): Uint8Array {
  if (chunk instanceof Uint8Array) return chunk;
  throw new TypeError('a file is read as bytes');
}

function damaged(path: string, what: string): VerificationError {
  return new VerificationError('IMA-ARCHIVE', `${path} ${what}`);
}

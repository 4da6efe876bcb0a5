import { createReadStream } from 'node:fs';
import { dirname, join } from 'node:path';
import { concat } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import { hashAlgorithm, type HashName } from '@assay/core/hash';
import {
  encodeAsciiEntry,
  encodeBinaryEntry,
  entryStream,
  firstRecord,
  rotationOf,
  templateDigest,
  type ListForm,
  type ListStart,
  type MeasurementEntry,
  type Rotation,
} from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { archiveBefore, ARCHIVE_LINK, checkSegments, type Segment } from '@assay/linux/lists';

/** What an engine's archive has of a list before a file of it. */
export interface BeforeFile {
  /** In the form of the file. */
  readonly bytes: AsyncIterator<Uint8Array>;
  /** How many these are, where that is known. */
  readonly size?: number;
  /** What the archive lacks: nobody can prove it. */
  readonly missing: ListStart | undefined;
}

/**
 * What is before the first entry of a file, where an engine moved it into an archive, which is beside the file.
 * @throws VerificationError IMA-ARCHIVE; FormatError LIST-ROTATION
 */
export async function beforeFile(path: string, head: Uint8Array, form: ListForm): Promise<BeforeFile | undefined> {
  const rotation = firstRotation(head, form);
  if (rotation === undefined) return undefined;
  const { segments, missing } = await archiveBefore(join(dirname(path), ARCHIVE_LINK), rotation);
  await checkSegments(segments);
  const same = isOfForm(rotation.bank, form);
  const bytes = same ? rawBytes(segments) : otherBytes(segments, form);
  const size = same ? { size: segments.reduce((sum, segment) => sum + segment.bytes, 0) } : {};
  // The offsets of a list are those of its bank.
  const start = missing && { ...missing, bytes: same ? missing.bytes : 0 };
  return { bytes, ...size, missing: start };
}

/** The record of a rotation with which a file begins; what else is wrong with it, its reader says. */
export function firstRotation(head: Uint8Array, form: ListForm): Rotation | undefined {
  try {
    const first = firstRecord(head, form);
    return first && rotationOf(first);
  } catch (error) {
    if (error instanceof FormatError && error.code !== 'LIST-ROTATION') return undefined;
    throw error;
  }
}

export function isOfForm(bank: HashName, form: ListForm): boolean {
  return form.format === 'binary' && form.bank === bank && form.byteOrder !== 'big';
}

async function* rawBytes(segments: readonly Segment[]): AsyncGenerator<Uint8Array> {
  for (const { path } of segments) {
    for await (const chunk of createReadStream(path, { highWaterMark: 256 * 1024 })) {
      if (chunk instanceof Uint8Array) yield chunk;
    }
  }
}

/** As the file of another bank, or the ascii one, had these entries. */
async function* otherBytes(segments: readonly Segment[], form: ListForm): AsyncGenerator<Uint8Array> {
  for (const segment of segments) {
    const stream = entryStream({ format: 'binary', bank: segment.receipt.bank });
    for await (const chunk of rawBytes([segment]))
      yield concat(stream.push(chunk).map((entry) => encoded(entry, form)));
    stream.end();
  }
}

function encoded(entry: MeasurementEntry, { format, bank }: ListForm): Uint8Array {
  const digest = entry.violation ? new Uint8Array(hashAlgorithm(bank).size) : templateDigest(nodeHasher, bank, entry);
  const other = { ...entry, templateDigest: digest };
  return format === 'ascii' ? encodeAsciiEntry(other) : encodeBinaryEntry(other);
}

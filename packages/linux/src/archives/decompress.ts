import { pipeline, Readable, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { AssayError, FormatError } from '@assay/core/errors';
import xz from 'xz-decompress';
import { SourceReader, type ByteSource } from './bytes.ts';
import type { ArchiveMeter } from './limits.ts';

const HEAD = 6;
const MAGICS: readonly (readonly [string, 'gzip' | 'xz' | 'zstd' | 'other'])[] = [
  ['1f8b', 'gzip'],
  ['fd377a585a00', 'xz'],
  ['28b52ffd', 'zstd'],
  ['425a68', 'other'], // bzip2
  ['5d0000', 'other'], // LZMA alone
  ['04224d18', 'other'], // LZ4
  ['02214c18', 'other'], // LZ4, as kernels have it
  ['894c5a4f', 'other'], // LZO
];

/**
 * The bytes of a stream that may be compressed by gzip, xz or Zstandard, which its first bytes tell.
 * @throws FormatError ARCHIVE-FORM, ARCHIVE-LIMIT, while it is read
 */
export async function* decompressed(source: ByteSource, meter: ArchiveMeter): AsyncGenerator<Uint8Array> {
  const reader = new SourceReader(counted(source, meter));
  const head = Buffer.from(await reader.peek(HEAD)).toString('hex');
  const form = MAGICS.find(([magic]) => head.startsWith(magic))?.[1];
  if (form === 'other')
    throw new FormatError('ARCHIVE-FORM', 'it is compressed by something else than gzip, xz or zstd');
  try {
    for await (const chunk of unpacked(reader.remaining(), form)) {
      meter.unpacked(chunk.length);
      yield chunk;
    }
  } catch (error) {
    if (error instanceof AssayError || form === undefined || !(error instanceof Error)) throw error;
    if ('syscall' in error) throw error;
    throw new FormatError('ARCHIVE-FORM', `its compressed bytes are damaged: ${error.message}`);
  }
}

function unpacked(source: ByteSource, form: 'gzip' | 'xz' | 'zstd' | undefined): ByteSource {
  if (form === 'gzip') return through(source, createGunzip());
  if (form === 'zstd') return through(source, createZstdDecompress());
  return form === 'xz' ? xzBytes(source) : source;
}

/** An error of either comes out where the result is read. */
function through(source: ByteSource, transform: Transform): ByteSource {
  return pipeline(Readable.from(source), transform, () => undefined);
}

async function* xzBytes(source: ByteSource): AsyncGenerator<Uint8Array> {
  yield* new xz.XzReadableStream(Readable.toWeb(Readable.from(source)));
}

async function* counted(source: ByteSource, meter: ArchiveMeter): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    meter.packed(chunk.length);
    yield chunk;
  }
}

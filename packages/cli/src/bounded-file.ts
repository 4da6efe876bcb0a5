import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { FormatError } from '@assay/core/errors';

const CHUNK = 4 * 1024 * 1024;

/**
 * The content of a regular file. Files of securityfs have no size, some files never end, and a pipe without a writer
 * would keep open(2) waiting.
 * @param limit bytes
 * @throws FormatError INPUT-FILE, BYTES-LIMIT
 */
export async function boundedContent(path: string, limit: number): Promise<Buffer> {
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new FormatError('INPUT-FILE', `${path} is not a regular file`);
    const buffer = Buffer.allocUnsafe(CHUNK);
    const chunks: Buffer[] = []; // Copies: securityfs gives a page at a time.
    for (let length = 0; length <= limit && stats.size <= limit; ) {
      const { bytesRead } = await file.read(buffer, 0, CHUNK, null);
      if (bytesRead === 0) return Buffer.concat(chunks);
      chunks.push(Buffer.from(buffer.subarray(0, bytesRead)));
      length += bytesRead;
    }
    throw new FormatError('BYTES-LIMIT', `${path} is longer than ${limit} bytes`);
  } finally {
    await file.close();
  }
}

/** Standard input, which may never end. @param limit bytes @throws FormatError BYTES-LIMIT */
export async function boundedInput(limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  const input: AsyncIterable<Buffer> = process.stdin;
  for await (const bytes of input) {
    length += bytes.length;
    if (length > limit) throw new FormatError('BYTES-LIMIT', `standard input is longer than ${limit} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

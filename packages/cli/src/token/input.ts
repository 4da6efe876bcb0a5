import { FormatError } from '@assay/core/errors';
import { boundedContent } from '../bounded-file.ts';

const LIMIT = 64 * 1024;

/** The token in a file, or on standard input for `-`. @throws FormatError INPUT-FILE, BYTES-LIMIT */
export async function tokenIn(file: string): Promise<string> {
  const content = file === '-' ? await boundedInput() : await boundedContent(file, LIMIT);
  return content.toString('utf8').trim();
}

/** Standard input may never end. */
async function boundedInput(): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  const input: AsyncIterable<Buffer> = process.stdin;
  for await (const bytes of input) {
    length += bytes.length;
    if (length > LIMIT) throw new FormatError('BYTES-LIMIT', `the token is longer than ${LIMIT} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}

import { text } from 'node:stream/consumers';
import { FormatError } from '@assay/core/errors';
import { boundedContent } from '../bounded-file.ts';

const LIMIT = 64 * 1024;

/** The token in a file, or on standard input for `-`. @throws FormatError INPUT-FILE, BYTES-LIMIT */
export async function tokenIn(file: string): Promise<string> {
  const content = file === '-' ? await text(process.stdin) : (await boundedContent(file, LIMIT)).toString('utf8');
  if (content.length > LIMIT) throw new FormatError('BYTES-LIMIT', `the token is longer than ${LIMIT} bytes`);
  return content.trim();
}

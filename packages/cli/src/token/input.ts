import { boundedContent, boundedInput } from '../bounded-file.ts';

const LIMIT = 64 * 1024;

/** The token in a file, or on standard input for `-`. @throws FormatError INPUT-FILE, BYTES-LIMIT */
export async function tokenIn(file: string): Promise<string> {
  const content = file === '-' ? await boundedInput(LIMIT) : await boundedContent(file, LIMIT);
  return content.toString('utf8').trim();
}

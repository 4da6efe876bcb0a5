import { FormatError } from '@assay/core/errors';
import { boundedContent } from './bounded-file.ts';

/** A TPM takes no longer password than a digest of the name algorithm (SHA-256). */
const MAX_PASSWORD = 32;
const NEWLINE = 0x0a;

/** The first line of a file, without its newline. @throws FormatError INPUT-FILE, BYTES-LIMIT */
export async function readPassword(path: string): Promise<Uint8Array> {
  const content = await boundedContent(path, 4096);
  const end = content.indexOf(NEWLINE);
  const password = end < 0 ? content : content.subarray(0, end);
  if (password.length === 0) throw new FormatError('INPUT-FILE', `${path} begins with an empty line: no password`);
  if (password.length > MAX_PASSWORD) {
    throw new FormatError('BYTES-LIMIT', `the password in ${path} has more than ${MAX_PASSWORD} bytes`);
  }
  return password;
}

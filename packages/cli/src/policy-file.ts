import { FormatError } from '@assay/core/errors';
import { parsePolicy, type PolicyLine } from '@assay/core/policy';
import { boundedContent } from './bounded-file.ts';

/** Far over any policy that is used; a kernel reads each rule of it under one lock. */
const LIMIT_BYTES = 16 * 1024 * 1024;

/** @throws FormatError POLICY-TEXT, INPUT-FILE, BYTES-LIMIT */
export async function readPolicyFile(path: string): Promise<PolicyLine[]> {
  return parsePolicy(textIn(await boundedContent(path, LIMIT_BYTES)));
}

/** A byte order mark stays in the text: to the kernel it is part of the first word. */
function textIn(bytes: Uint8Array): string {
  const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    return decoder.decode(bytes);
  } catch {
    throw notUtf8(bytes);
  }
}

/**
 * A lenient reader writes U+FFFD where the bytes are wrong. Read again from its text they differ from there on, unless
 * the file writes that character itself.
 */
function notUtf8(bytes: Uint8Array): FormatError {
  const lenient = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  const again = new TextEncoder().encode(lenient);
  const wrong = again.findIndex((byte, index) => byte !== bytes[index]);
  const before = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes.subarray(0, wrong), { stream: true });
  const line = before.split('\n').length;
  const column = before.length - before.lastIndexOf('\n');
  return new FormatError('POLICY-TEXT', `line ${line}, column ${column}: not UTF-8`, { line, column });
}

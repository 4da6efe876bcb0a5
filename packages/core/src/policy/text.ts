import { FormatError } from '../errors/index.ts';
import { parsePolicy, type PolicyLine } from './lines.ts';

/**
 * The lines of a policy in a file. A byte order mark stays in the text: to the kernel it is part of the first word.
 * @throws FormatError POLICY-TEXT with line and column, where the bytes are not UTF-8 or hold a NUL
 */
export function parsePolicyBytes(bytes: Uint8Array): PolicyLine[] {
  const text = decoded(bytes);
  if (text === undefined) throw notUtf8(bytes);
  return parsePolicy(text);
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
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
  const before = textUpTo(bytes, wrong);
  const line = before.split('\n').length;
  const column = before.length - before.lastIndexOf('\n');
  return new FormatError('POLICY-TEXT', `line ${line}, column ${column}: not UTF-8`, { line, column });
}

/** Whole characters only: the bytes of U+FFFD itself may begin as the wrong ones do. */
function textUpTo(bytes: Uint8Array, end: number): string {
  const cuts = [end, end - 1, end - 2].map((cut) => decoded(bytes.subarray(0, cut)));
  return cuts.find((text) => text !== undefined) ?? '';
}

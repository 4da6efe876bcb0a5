import { FormatError, type FormatCode } from '../errors/index.ts';

/** Levels of lists and objects; documents of Assay have six, bundles of signatures some more. */
const DEEPEST = 16;
const STRINGS = /"(?:[^"\\]|\\.)*"/g;

export type Members = Readonly<Record<string, unknown>>;

/**
 * The value of a JSON text in which no object names a member twice; `JSON.parse` would take the last of them.
 * @param code of the error for what is no such text
 * @throws FormatError `code`, BYTES-LIMIT
 */
export function strictJson(bytes: Uint8Array, code: FormatCode): unknown {
  const text = decoded(bytes, code);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new FormatError(code, 'the text is not JSON');
  }
  // In JSON, a colon outside of strings stands after the name of a member, and nowhere else.
  const named = text.replace(STRINGS, '').match(/:/g)?.length ?? 0;
  if (named !== countMembers(value)) throw new FormatError(code, 'an object names a member twice');
  return value;
}

function decoded(bytes: Uint8Array, code: FormatCode): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new FormatError(code, 'the text is not UTF-8');
  }
}

function countMembers(root: unknown): number {
  let members = 0;
  let level: unknown[] = [root];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > DEEPEST) throw new FormatError('BYTES-LIMIT', `JSON is nested deeper than ${DEEPEST} levels`);
    const below: unknown[] = [];
    for (const value of level) {
      if (typeof value !== 'object' || value === null) continue;
      const values: unknown[] = Object.values(value);
      if (!Array.isArray(value)) members += values.length;
      for (const each of values) if (typeof each === 'object') below.push(each);
    }
    level = below;
  }
  return members;
}

/**
 * The one text of a value that is signed and digested: members in the order of their names, no blanks (RFC 8785, of which
 * only texts, truth values, whole numbers, lists and objects occur here).
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_name, each: unknown) => (isMembers(each) ? sorted(each) : each));
}

function sorted(members: Members): Members {
  const names = Object.keys(members);
  // RFC 8785, section 3.2.3: by UTF-16 code units, as Array.prototype.sort does.
  return Object.fromEntries(names.toSorted().map((name) => [name, members[name]]));
}

export function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

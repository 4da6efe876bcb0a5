import { FormatError } from '../errors/index.ts';

/** What the texts of a baseline look like. */
export const FIELDS = {
  any: /^[^]{0,32768}$/,
  path: /^\/[^]{0,32767}$/,
  word: /^[A-Za-z-]{1,40}$/,
  mode: /^[0-7]{4}$/,
  inode: /^(?:0|[1-9]\d{0,19})$/,
  time: /^-?\d{1,12}\.\d{9}$/,
  digest: /^[a-z][a-z0-9-]{1,15}:[0-9a-f]{32,128}$/,
  device: /^\d{1,10}:\d{1,10}$/,
  name: /^[^\0]{1,255}$/,
  value: /^(?:(?:[0-9a-f]{2})*|sha256:[0-9a-f]{64})$/,
  instant: /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/,
} as const;

type Fields = Readonly<Record<string, unknown>>;

/** The object that a line of JSON holds. @throws FormatError BASELINE-FORM */
export function record(line: string): Fields {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new FormatError('BASELINE-FORM', 'a line is not JSON');
  }
  if (isRecord(value)) return value;
  throw new FormatError('BASELINE-FORM', 'a line holds no object');
}

export function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function text(fields: Fields, name: string, form: RegExp): string {
  const value = fields[name];
  if (typeof value === 'string' && form.test(value)) return value;
  throw new FormatError('BASELINE-FORM', `${name} is missing or not of its form`);
}

export function whole(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw new FormatError('BASELINE-FORM', `${name} is missing or no whole number`);
}

export function flag(fields: Fields, name: string): boolean {
  const value = fields[name];
  if (typeof value === 'boolean') return value;
  throw new FormatError('BASELINE-FORM', `${name} is missing or neither true nor false`);
}

export function list(fields: Fields, name: string): readonly unknown[] {
  const value: unknown = fields[name];
  if (Array.isArray(value)) return value;
  throw new FormatError('BASELINE-FORM', `${name} is missing or no list`);
}

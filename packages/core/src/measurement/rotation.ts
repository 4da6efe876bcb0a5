import { fromHex, toHex, utf8 } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import { hashAlgorithm, isHashName, type HashName } from '../hash/index.ts';
import { AsciiEntries } from './ascii.ts';
import { binaryEntries } from './binary.ts';
import type { MeasurementEntry } from './entry.ts';
import { LAST_PCR } from './records.ts';
import { ENGINE_RECORDS, filenameHint } from './kinds.ts';
import type { ListForm } from './form.ts';

/** What is before the first entry of a file that holds a list's end only. */
export interface ListStart {
  readonly entries: number;
  readonly violations: number;
  /** That the entries take in the binary list of the archive's bank. */
  readonly bytes: number;
  /** The PCRs after them, by number and bank. */
  readonly values: ReadonlyMap<number, ReadonlyMap<HashName, Uint8Array>>;
}

/**
 * What the engine's record of a rotation says: the entries before it went to a segment of the archive. It is an entry of the
 * list, so the PCR covers it, and with it the segment's digest. The first entry of a segment is the record of the rotation
 * before, so that each of them covers all that is older.
 */
export interface Rotation extends ListStart {
  /** Number of the segment that ends before the record, from 1. */
  readonly segment: number;
  /** Of the template digests in the segment. */
  readonly bank: HashName;
  /** SHA-256 of the segment's bytes. */
  readonly sha256: Uint8Array;
}

const COUNT = /^(?:0|[1-9]\d{0,14})$/;
const FIELDS = ['segment', 'entries', 'violations', 'bytes', 'bank', 'sha256', 'values'] as const;
type Field = (typeof FIELDS)[number];

/** The pairs of the record, in its order. */
export function rotationPairs(rotation: Rotation): [Field, string][] {
  const { segment, entries, violations, bytes, bank, sha256, values } = rotation;
  const listed = [...values].flatMap(([pcr, banks]) =>
    Array.from(banks, ([name, value]) => `${pcr}:${name}:${toHex(value)}`),
  );
  const texts = [segment, entries, violations, bytes, bank, toHex(sha256), listed.join(',')].map(String);
  return FIELDS.map((field, index) => [field, texts[index] ?? '']);
}

/**
 * @returns undefined where the entry is no record of a rotation
 * @throws FormatError LIST-ROTATION where it is one and cannot be read
 */
export function rotationOf({ fields }: Pick<MeasurementEntry, 'fields'>): Rotation | undefined {
  const { buffer } = fields;
  if (buffer === undefined || buffer.length === 0 || filenameHint(fields) !== ENGINE_RECORDS.rotation) return undefined;
  const pairs = pairsOf(String.fromCharCode(...buffer.subarray(0, LIMIT)), buffer.length);
  const { bank } = pairs;
  if (!isHashName(bank)) throw wrong('bank');
  return {
    segment: countIn(pairs, 'segment'),
    entries: countIn(pairs, 'entries'),
    violations: countIn(pairs, 'violations'),
    bytes: countIn(pairs, 'bytes'),
    bank,
    sha256: digestIn(pairs.sha256, 'sha256', 'sha256'),
    values: valuesIn(pairs.values),
  };
}

/** Values of all PCRs in all banks fit many times. */
const LIMIT = 64 * 1024;

function pairsOf(text: string, length: number): Record<Field, string> {
  const all = text.split(';').map((pair) => /^([a-z0-9]+)=([^=]*)$/.exec(pair) ?? []);
  const of = (field: Field): string => {
    const [found, ...more] = all.filter(([, name]) => name === field);
    if (found?.[2] === undefined || more.length > 0 || length > LIMIT) throw wrong(field);
    return found[2];
  };
  const [segment, entries, violations] = [of('segment'), of('entries'), of('violations')];
  return {
    segment,
    entries,
    violations,
    bytes: of('bytes'),
    bank: of('bank'),
    sha256: of('sha256'),
    values: of('values'),
  };
}

function countIn(pairs: Record<Field, string>, field: Field): number {
  const text = pairs[field];
  const count = Number(text);
  if (!COUNT.test(text) || (count === 0 && field !== 'violations')) throw wrong(field);
  return count;
}

function digestIn(hex: string, bank: HashName, field: Field): Uint8Array {
  if (hex.length !== 2 * hashAlgorithm(bank).size || !/^[0-9a-f]+$/.test(hex)) throw wrong(field);
  return fromHex(hex);
}

function valuesIn(text: string): Rotation['values'] {
  const values = new Map<number, Map<HashName, Uint8Array>>();
  for (const item of text.split(',')) {
    const [, number = '', bank = '', hex = ''] = /^(\d{1,2}):([a-z0-9-]{1,16}):([0-9a-f]+)$/.exec(item) ?? [];
    const pcr = Number(number);
    const banks = values.get(pcr) ?? new Map<HashName, Uint8Array>();
    if (!isHashName(bank) || String(pcr) !== number || pcr > LAST_PCR || banks.has(bank)) throw wrong('values');
    values.set(pcr, banks.set(bank, digestIn(hex, bank, 'values')));
  }
  return values;
}

function wrong(field: Field): FormatError {
  return new FormatError('LIST-ROTATION', `the record of a rotation has no ${field}, or one that cannot be`);
}

const NEWLINE = utf8('\n')[0];

/**
 * The first entry of a list whose beginning is given; undefined where it is not whole.
 * @throws FormatError where it cannot be read
 */
export function firstRecord(head: Uint8Array, form: ListForm): MeasurementEntry | undefined {
  if (form.format === 'binary') {
    for (const entry of binaryEntries(head, { ...form, incompleteTail: 'leave' })) return entry;
    return undefined;
  }
  const newline = head.findIndex((byte) => byte === NEWLINE);
  if (newline < 0) return undefined;
  const line = new AsciiEntries(form);
  return [...line.push(head.subarray(0, newline + 1)), ...line.end()][0];
}

import { ByteReader, ByteWriter, utf8 } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import { hashAlgorithm, hashOfKernelId, type HashName } from '../hash/index.ts';
import type { LineState, TrackState } from './chain.ts';
import { PADDED_RULES, type ExtendRule } from './digests.ts';
import { DIGEST_TYPES, type FileDigest } from './entry.ts';
import type { ListForm } from './form.ts';
import type { BootAggregate, ForgedEntry, TotalsState } from './totals.ts';
import type { VerifierState } from './verifier.ts';

/** "ALV" and the version of this layout. */
const MAGIC = 0x414c5601;
/** Of items of each kind; a verifier keeps fewer. */
const LIMIT = 4096;
const REST_LIMIT = 64 * 1024 * 1024;
const RULES: readonly ExtendRule[] = ['own-digest', ...PADDED_RULES];

/**
 * The state in bytes, for a file or a database. Big-endian. Whoever can change it there can change what is verified: it is
 * worth what its place of storage is worth.
 */
export function encodeVerifierState({ form, banks, totals, rest, line }: VerifierState): Uint8Array {
  const writer = new ByteWriter().u32(MAGIC);
  writer.u8(form.format === 'ascii' ? 1 : 0).u8(form.byteOrder === 'big' ? 1 : 0);
  writer.u8(form.imaHash === 'md5' ? 1 : 0);
  writeBank(writer, form.bank);
  writeAll(writer, banks, writeBank);
  for (const count of [totals.entries, totals.bytes, totals.violations, totals.forged, line]) writeCount(writer, count);
  writeAll(writer, [...totals.templates], (to, [name, count]) =>
    writeCount(to.u8(name.length).bytes(utf8(name)), count),
  );
  writeAll(writer, totals.forgedEntries, writePlace);
  writeAll(writer, totals.bootAggregates, writeAggregate);
  writeAll(writer, totals.lines, writeLine);
  return writer.u32(rest.length).bytes(rest).finish();
}

/** @throws FormatError where these are not the bytes of a state */
export function decodeVerifierState(bytes: Uint8Array): VerifierState {
  const reader = new ByteReader(bytes, 'state of a list');
  if (reader.u32('magic') !== MAGIC) throw new FormatError('LIST-FIELD', 'this is not the state of a list');
  const form = readForm(reader);
  const banks = readAll(reader, readBank);
  const counts = { entries: readCount(reader), bytes: readCount(reader), violations: readCount(reader) };
  const forged = readCount(reader);
  const line = readCount(reader);
  const templates = new Map(readAll(reader, readTemplate));
  const places = { forgedEntries: readAll(reader, readPlace), bootAggregates: readAll(reader, readAggregate) };
  const totals: TotalsState = { ...counts, forged, templates, ...places, lines: readAll(reader, readLine) };
  const rest = reader.take(reader.length32('rest', REST_LIMIT), 'rest').slice();
  reader.end();
  return { form, banks, totals, rest, line };
}

function readForm(reader: ByteReader): ListForm {
  const [format, byteOrder, imaHash] = [reader.u8('format'), reader.u8('byte order'), reader.u8('hash')];
  return {
    format: format === 1 ? 'ascii' : 'binary',
    byteOrder: byteOrder === 1 ? 'big' : 'little',
    imaHash: imaHash === 1 ? 'md5' : 'sha1',
    bank: readBank(reader),
  };
}

function writeAll<T>(writer: ByteWriter, items: readonly T[], write: (writer: ByteWriter, item: T) => void): void {
  writer.u32(items.length);
  for (const item of items) write(writer, item);
}

function readAll<T>(reader: ByteReader, read: (reader: ByteReader) => T): T[] {
  return Array.from({ length: reader.length32('number of items', LIMIT) }, () => read(reader));
}

function writeCount(writer: ByteWriter, count: number): void {
  writer.u32(Math.floor(count / 2 ** 32)).u32(count % 2 ** 32);
}

function readCount(reader: ByteReader): number {
  const count = reader.u32('count') * 2 ** 32 + reader.u32('count');
  if (!Number.isSafeInteger(count)) throw new FormatError('BYTES-LIMIT', 'state of a list: a count is over its limit');
  return count;
}

function writeBank(writer: ByteWriter, bank: HashName): void {
  writer.u8(hashAlgorithm(bank).kernelId);
}

function readBank(reader: ByteReader): HashName {
  return hashOfKernelId(reader.u8('bank')).name;
}

function readTemplate(reader: ByteReader): [name: string, count: number] {
  const name = reader.take(reader.u8('length of a name'), 'name');
  return [String.fromCharCode(...name), readCount(reader)];
}

function writePlace(writer: ByteWriter, { entry, offset }: ForgedEntry): void {
  writeCount(writer, entry);
  writeCount(writer, offset);
}

function readPlace(reader: ByteReader): ForgedEntry {
  return { entry: readCount(reader), offset: readCount(reader) };
}

function writeAggregate(writer: ByteWriter, { digest, ...place }: BootAggregate): void {
  writePlace(writer, place);
  writeBank(writer, digest.algorithm);
  writer.u8(DIGEST_TYPES.indexOf(digest.type)).bytes(digest.value);
}

function readAggregate(reader: ByteReader): BootAggregate {
  const place = readPlace(reader);
  const algorithm = readBank(reader);
  const type = DIGEST_TYPES[reader.u8('type')];
  const value = readDigest(reader, algorithm);
  const digest: FileDigest = type === undefined ? { algorithm, value } : { algorithm, value, type };
  return { ...place, digest };
}

function readDigest(reader: ByteReader, bank: HashName): Uint8Array {
  return reader.take(hashAlgorithm(bank).size, 'digest').slice();
}

function writeLine(writer: ByteWriter, { bank, pcr, expected, own, padded, ...counts }: LineState): void {
  writeBank(writer, bank);
  writer.u8(pcr).u8(expected === undefined ? 0 : 1);
  if (expected !== undefined) writer.bytes(expected);
  writeCount(writer, counts.extends);
  writeCount(writer, counts.lastEntry);
  writeAll(writer, [own, ...padded], writeTrack);
}

function readLine(reader: ByteReader): LineState {
  const bank = readBank(reader);
  const pcr = reader.u8('pcr');
  const expected = reader.u8('expected') === 1 ? { expected: readDigest(reader, bank) } : {};
  const counts = { extends: readCount(reader), lastEntry: readCount(reader) };
  const [own, ...padded] = readAll(reader, (from) => readTrack(from, bank));
  if (own === undefined) throw new FormatError('LIST-FIELD', 'state of a list: a PCR has no value');
  return { bank, pcr, ...expected, ...counts, own, padded };
}

function writeTrack(writer: ByteWriter, { rule, value, matchedEntries }: TrackState): void {
  writer.u8(RULES.indexOf(rule)).bytes(value);
  writeCount(writer, matchedEntries ?? 0);
}

function readTrack(reader: ByteReader, bank: HashName): TrackState {
  const rule = RULES[reader.u8('rule')];
  if (rule === undefined) throw new FormatError('LIST-FIELD', 'state of a list: there is no such rule');
  const value = readDigest(reader, bank);
  const matchedEntries = readCount(reader);
  return matchedEntries === 0 ? { rule, value } : { rule, value, matchedEntries };
}

import { ByteReader } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import type { HashName } from '../hash/index.ts';
import { EVENT } from './event-types.ts';
import { readStartupLocality } from './locality.ts';
import { isSpecId, parseSpecId } from './spec-id.ts';
import type { BootEvent, ParsedEventLog, SpecId } from './types.ts';

/** Bytes; firmware reserves 64 KiB to 1 MiB. */
export const EVENT_LOG_LIMIT = 16 * 1024 * 1024;
const EVENT_LIMIT = 100_000;
const LAST_PCR = 23;
/** SP800-155 records, which are never extended, may stand in no PCR at all. */
const NO_PCR = 0xffffffff;
/** What is shorter than PCR index and type can be a record cut off. */
const SHORTEST_PADDING = 8;

type Content = Omit<BootEvent, 'number' | 'offset'>;
type ReadRecord = (reader: ByteReader) => Content;

/**
 * Reads a TCG boot event log, little-endian, in the format of TPM 1.2 or crypto-agile (PC Client Platform Firmware
 * Profile, section 10): every byte is part of a record, or of padding with zeros or 0xff to the end.
 * @throws FormatError with the offset: EVENTLOG-SPEC-ID, EVENTLOG-EVENT, BYTES-TRUNCATED, BYTES-LIMIT
 */
export function parseEventLog(bytes: Uint8Array): ParsedEventLog {
  if (bytes.length > EVENT_LOG_LIMIT) {
    throw new FormatError('BYTES-LIMIT', `event log: ${bytes.length} bytes, over its limit of ${EVENT_LOG_LIMIT}`);
  }
  const reader = new ByteReader(bytes, 'event log', { littleEndian: true });
  const first = numbered(reader, 1, readSha1Event);
  const specId = specIdOf(first);
  const events = [first, ...followingEvents(reader, specId === undefined ? readSha1Event : agileReader(specId))];
  const common = { events, startupLocality: readStartupLocality(events), padding: reader.remaining };
  if (specId === undefined) return { format: 'tpm1.2', banks: ['sha1'], ...common };
  const banks = specId.algorithms.flatMap(({ name }) => (name === undefined ? [] : [name]));
  return { format: 'crypto-agile', specId, banks, ...common };
}

function specIdOf(first: BootEvent): SpecId | undefined {
  if (first.type !== EVENT.noAction || !isSpecId(first.data)) return undefined;
  return placed(1, first.offset, () => parseSpecId(first.data));
}

function* followingEvents(reader: ByteReader, read: ReadRecord): Generator<BootEvent> {
  const tail = tailStart(reader.bytes);
  const atPadding = () => reader.offset >= tail && reader.remaining >= SHORTEST_PADDING;
  for (let number = 2; reader.remaining > 0 && !atPadding(); number++) {
    if (number > EVENT_LIMIT) {
      throw new FormatError('BYTES-LIMIT', `event log: more than ${EVENT_LIMIT} events`, { offset: reader.offset });
    }
    yield numbered(reader, number, read);
  }
}

/** Where the zeros or 0xff bytes at the end begin. */
function tailStart(bytes: Uint8Array): number {
  const last = bytes.at(-1);
  let start = bytes.length;
  if (last === 0 || last === 0xff) while (start > 0 && bytes[start - 1] === last) start--;
  return start;
}

function numbered(reader: ByteReader, number: number, read: ReadRecord): BootEvent {
  const { offset } = reader;
  return { number, offset, ...placed(number, offset, () => read(reader)) };
}

/** TCG_PCClientPCREvent. */
function readSha1Event(reader: ByteReader): Content {
  const place = readPlace(reader);
  const digests = new Map<HashName, Uint8Array>([['sha1', reader.take(20, 'digest')]]);
  return { ...place, digests, data: readData(reader) };
}

/** TCG_PCR_EVENT2. */
function agileReader({ algorithms }: SpecId): ReadRecord {
  const declared = new Map(algorithms.map((algorithm) => [algorithm.id, algorithm]));
  return (reader) => {
    const place = readPlace(reader);
    const count = reader.length32('digestCount', algorithms.length);
    if (count === 0) throw refused('has no digest');
    const digests = new Map<HashName, Uint8Array>();
    const seen = new Set<number>();
    for (let i = 0; i < count; i++) {
      const id = reader.u16('algorithmId');
      const algorithm = declared.get(id);
      if (algorithm === undefined) throw refused(`has a digest of algorithm 0x${id.toString(16)}, not declared`);
      if (seen.has(id)) throw refused(`has two digests of algorithm 0x${id.toString(16)}`);
      seen.add(id);
      const digest = reader.take(algorithm.digestSize, 'digest');
      if (algorithm.name !== undefined) digests.set(algorithm.name, digest);
    }
    return { ...place, digests, data: readData(reader) };
  };
}

function readPlace(reader: ByteReader): Pick<BootEvent, 'pcr' | 'type'> {
  const pcr = reader.u32('pcrIndex');
  const type = reader.u32('eventType');
  const exists = pcr <= LAST_PCR || (pcr === NO_PCR && type === EVENT.noAction);
  if (!exists) throw refused(`names PCR ${pcr}, which does not exist`);
  return { pcr, type };
}

function readData(reader: ByteReader): Uint8Array {
  return reader.take(reader.u32('eventSize'), 'event');
}

function refused(why: string): FormatError {
  return new FormatError('EVENTLOG-EVENT', `the record ${why}`);
}

/** Adds the place in the log to an error from inside a record. */
function placed<T>(entry: number, offset: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new FormatError(error.code, `event ${entry} at offset ${offset}: ${error.message}`, {
      ...error.place,
      entry,
      offset,
    });
  }
}

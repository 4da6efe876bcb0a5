import { toBase64 } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import { entryStream } from '@assay/core/measurement';
import type { MeasurementSource } from '@assay/linux/ima';
import { LIST_CHUNK_LIMIT, LIST_TAIL_LIMIT, type Challenge, type EvidenceMessage } from '@assay/wire';

type ListPart = EvidenceMessage['list'];

/**
 * Most bytes that are read for the message with the quote. Far over what is left for it: what came since is covered by the
 * quote too. Only a record that is longer is read whole.
 */
const MESSAGE_LIMIT = 3 * LIST_TAIL_LIMIT;
const PIECE = 64 * 1024;
const NOTHING = new Uint8Array(0);

/**
 * The whole records from where the verifier stands; from the start, where the list does not go on from there: it is of
 * another boot, or has lost what the verifier wants, and the verifier will see that by itself. Of a list that is too long for
 * one message, the first of them.
 */
export async function listPart(source: MeasurementSource, from: Challenge['list']): Promise<ListPart> {
  const start = await source.start();
  const there = from.fromOffset >= start.fromOffset ? await continued(source, from) : null;
  return there ?? (await wholeRecords(source, start.fromEntry, start.fromOffset));
}

/** The records that continue what was sent in parts. */
export async function listTail(source: MeasurementSource, from: Challenge['list']): Promise<ListPart> {
  return { ...(await wholeRecords(source, from.fromEntry, from.fromOffset)), continues: true };
}

async function continued(source: MeasurementSource, from: Challenge['list']): Promise<ListPart | null> {
  if (from.fromOffset > 0 && (await source.read(from.fromOffset - 1, 1)).length === 0) return null;
  try {
    return await wholeRecords(source, from.fromEntry, from.fromOffset);
  } catch (error) {
    if (error instanceof FormatError && from.fromOffset > 0) return null;
    throw error;
  }
}

async function wholeRecords(source: MeasurementSource, fromEntry: number, fromOffset: number): Promise<ListPart> {
  let bytes = await source.read(fromOffset, MESSAGE_LIMIT);
  let whole = wholeBytes(bytes, source.bank);
  if (whole === 0 && bytes.length === MESSAGE_LIMIT) {
    bytes = await source.read(fromOffset, LIST_CHUNK_LIMIT);
    whole = wholeBytes(bytes, source.bank);
  }
  const entries = toBase64(bytes.subarray(0, whole));
  return { bank: listBank(source), fromEntry, fromOffset, entries, ...(source.mayLack?.() ? { trimmed: true } : {}) };
}

/** How many bytes the whole records take; of the entries, only those of one piece are in memory. @throws FormatError */
function wholeBytes(bytes: Uint8Array, bank: MeasurementSource['bank']): number {
  const stream = entryStream({ format: 'binary', bank });
  let whole = 0;
  for (let start = 0; start < bytes.length; start += PIECE) {
    for (const { length } of stream.push(bytes.subarray(start, start + PIECE))) whole += length;
  }
  stream.push(NOTHING); // What is wrong behind the last entry is thrown now.
  return whole;
}

/** The banks of the message (`ListPart`). */
const LIST_BANKS: readonly ListPart['bank'][] = ['sha1', 'sha256', 'sha384', 'sha512'];

export function listBank({ bank }: MeasurementSource): ListPart['bank'] {
  const known = LIST_BANKS.find((name) => name === bank);
  if (known === undefined) throw new FormatError('HASH-UNKNOWN', `no list of the ${bank} bank can be sent`);
  return known;
}

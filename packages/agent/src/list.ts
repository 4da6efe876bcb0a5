import { toBase64 } from '@assay/core/bytes';
import { FormatError } from '@assay/core/errors';
import { parseBinaryList } from '@assay/core/measurement';
import type { MeasurementSource } from '@assay/linux/ima';
import { LIST_CHUNK_LIMIT, type Challenge, type EvidenceMessage } from '@assay/wire';

type ListPart = EvidenceMessage['list'];

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
  const bytes = await source.read(fromOffset, LIST_CHUNK_LIMIT);
  const { consumed } = parseBinaryList(bytes, { bank: source.bank, incompleteTail: 'leave' });
  return { bank: listBank(source), fromEntry, fromOffset, entries: toBase64(bytes.subarray(0, consumed)) };
}

/** The banks of the message (`ListPart`). */
const LIST_BANKS: readonly ListPart['bank'][] = ['sha1', 'sha256', 'sha384', 'sha512'];

export function listBank({ bank }: MeasurementSource): ListPart['bank'] {
  const known = LIST_BANKS.find((name) => name === bank);
  if (known === undefined) throw new FormatError('HASH-UNKNOWN', `no list of the ${bank} bank can be sent`);
  return known;
}

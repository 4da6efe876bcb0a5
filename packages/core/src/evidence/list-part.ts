import { FormatError, VerificationError } from '../errors/index.ts';
import type { HashName, Hasher } from '../hash/index.ts';
import {
  beginsWithDigestAndName,
  firstForgedDigest,
  parseBinaryList,
  replay,
  type MeasurementEntry,
} from '../measurement/index.ts';
import type { ListPosition } from './continuity.ts';

/** The register that IMA extends unless a kernel is built otherwise (CONFIG_IMA_MEASURE_PCR_IDX). */
export const IMA_PCR = 10;
const BANK = 'sha256';

export interface ListPart {
  /** Bank of the recorded template digests. */
  readonly bank: HashName;
  /** Binary records; the first stands at `start`. */
  readonly bytes: Uint8Array;
  readonly start: ListPosition;
}

/**
 * A part of a list that comes before the quote that will prove it: entries whose template digests are those of their data,
 * and where they lead. Nothing says yet that they were measured.
 * @param most entries; those after them are left, as is a record that is not whole
 * @throws FormatError; VerificationError IMA-TEMPLATE-DIGEST, IMA-TEMPLATE-UNKNOWN, IMA-REPLAY
 */
export function checkListPart(
  part: ListPart,
  most: number,
  hasher: Hasher,
): { readonly entries: readonly MeasurementEntry[]; readonly end: ListPosition } {
  const { bank, start } = part;
  const entries = checkedEntries(part, hasher, 'leave').slice(0, most);
  const from = { bank: BANK, pcr: IMA_PCR, value: start.pcr, checked: bank } as const;
  const end = {
    entries: start.entries + entries.length,
    bytes: start.bytes + entries.reduce((sum, entry) => sum + entry.length, 0),
    pcr: replay(hasher, from, entries).value,
  };
  return { entries, end };
}

/**
 * The entries, read and with the digests that their data have.
 * @throws as checkListPart
 */
export function checkedEntries(
  part: ListPart,
  hasher: Hasher,
  incompleteTail: 'refuse' | 'leave' = 'refuse',
): MeasurementEntry[] {
  const entries = parsedEntries(part, incompleteTail);
  const forged = firstForgedDigest(hasher, part.bank, entries);
  if (forged !== undefined) {
    const message = `entry ${forged.number}: the recorded template digest is not the digest of its data`;
    throw new VerificationError('IMA-TEMPLATE-DIGEST', message, { entry: forged.number, offset: forged.offset });
  }
  const elsewhere = entries.find((entry) => entry.pcr !== IMA_PCR);
  if (elsewhere !== undefined) {
    const message = `entry ${elsewhere.number} goes to PCR ${elsewhere.pcr}, which this quote does not cover`;
    throw new VerificationError('IMA-REPLAY', message, { entry: elsewhere.number, offset: elsewhere.offset });
  }
  return entries;
}

function parsedEntries({ bank, bytes, start }: ListPart, incompleteTail: 'refuse' | 'leave'): MeasurementEntry[] {
  try {
    const place = { firstEntry: start.entries + 1, firstOffset: start.bytes };
    return parseBinaryList(bytes, { bank, ...place, incompleteTail, accept: beginsWithDigestAndName }).entries;
  } catch (error) {
    const unknown = error instanceof FormatError && (error.code === 'LIST-TEMPLATE' || error.code === 'HASH-UNKNOWN');
    throw unknown ? new VerificationError('IMA-TEMPLATE-UNKNOWN', error.message, error.place) : error;
  }
}

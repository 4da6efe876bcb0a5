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
  readonly start: Pick<ListPosition, 'entries' | 'bytes'>;
}

/**
 * The whole records of a part of a list that comes before the quote that will prove it. Nothing says yet that they were
 * measured, nor that what they record are the digests of their data (`checkDigests`).
 * @throws FormatError; VerificationError IMA-TEMPLATE-UNKNOWN
 */
export function wholeEntries(part: ListPart): MeasurementEntry[] {
  return parsedEntries(part, 'leave');
}

/**
 * Where entries whose digests were checked lead from a position in their list.
 * @param bank of the recorded template digests
 */
export function positionAfter(
  start: ListPosition,
  bank: HashName,
  entries: readonly MeasurementEntry[],
  hasher: Hasher,
): ListPosition {
  const from = { bank: BANK, pcr: IMA_PCR, value: start.pcr, checked: bank } as const;
  return {
    entries: start.entries + entries.length,
    bytes: start.bytes + entries.reduce((sum, entry) => sum + entry.length, 0),
    pcr: replay(hasher, from, entries).value,
  };
}

/**
 * The entries, read and with the digests that their data have.
 * @throws as `wholeEntries` and `checkDigests`; FormatError where the last record is not whole
 */
export function checkedEntries(part: ListPart, hasher: Hasher): MeasurementEntry[] {
  const entries = parsedEntries(part, 'refuse');
  checkDigests(part.bank, entries, hasher);
  return entries;
}

/**
 * That the entries record the template digests of their data, and go to PCR 10.
 * @throws VerificationError IMA-TEMPLATE-DIGEST, IMA-REPLAY
 */
export function checkDigests(bank: HashName, entries: readonly MeasurementEntry[], hasher: Hasher): void {
  const forged = firstForgedDigest(hasher, bank, entries);
  if (forged !== undefined) {
    const message = `entry ${forged.number}: the recorded template digest is not the digest of its data`;
    throw new VerificationError('IMA-TEMPLATE-DIGEST', message, { entry: forged.number, offset: forged.offset });
  }
  const elsewhere = entries.find((entry) => entry.pcr !== IMA_PCR);
  if (elsewhere !== undefined) {
    const message = `entry ${elsewhere.number} goes to PCR ${elsewhere.pcr}, which this quote does not cover`;
    throw new VerificationError('IMA-REPLAY', message, { entry: elsewhere.number, offset: elsewhere.offset });
  }
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

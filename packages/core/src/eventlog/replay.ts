import { hashAlgorithm, type HashName, type Hasher } from '../hash/index.ts';
import { extendPcr } from '../measurement/index.ts';
import { EVENT } from './event-types.ts';
import type { BootEvent, ParsedEventLog } from './types.ts';

/** Whether a record was extended into its PCR. */
export function isExtended({ type }: Pick<BootEvent, 'type'>): boolean {
  return type !== EVENT.noAction;
}

/** Value of a PCR after TPM2_Startup(CLEAR): PCR 17 to 22 are all ones until a dynamic launch (PC Client PTP, 4.6.2). */
export function resetValue(bank: HashName, pcr: number): Uint8Array {
  return new Uint8Array(hashAlgorithm(bank).size).fill(pcr >= 17 && pcr <= 22 ? 0xff : 0);
}

/** The first extended record without a digest of this bank: what follows it cannot be replayed. */
export function firstWithoutDigest(log: ParsedEventLog, bank: HashName): BootEvent | undefined {
  return log.events.find((event) => isExtended(event) && !event.digests.has(bank));
}

/** Banks of which every extended record has a digest. */
export function replayableBanks(log: ParsedEventLog): readonly HashName[] {
  return log.banks.filter((bank) => firstWithoutDigest(log, bank) === undefined);
}

/**
 * The PCRs of one bank that the log leads to, in order of their numbers; only those that it extends. EV_NO_ACTION
 * never extends.
 */
export function replayEventLog(hasher: Hasher, log: ParsedEventLog, bank: HashName): Map<number, Uint8Array> {
  const values = new Map<number, Uint8Array>();
  for (const event of log.events) {
    const digest = event.digests.get(bank);
    if (!isExtended(event) || digest === undefined) continue;
    const value = values.get(event.pcr) ?? startValue(bank, event.pcr, log.startupLocality);
    values.set(event.pcr, extendPcr(hasher, bank, value, digest));
  }
  return new Map([...values].toSorted(([a], [b]) => a - b));
}

function startValue(bank: HashName, pcr: number, locality: number): Uint8Array {
  const value = resetValue(bank, pcr);
  if (pcr === 0) value[value.length - 1] = locality;
  return value;
}

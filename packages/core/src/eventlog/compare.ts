import { equalBytes } from '../bytes/index.ts';
import type { HashName, Hasher } from '../hash/index.ts';
import { replayQuirk, type Quirk } from './quirks.ts';
import { replayableBanks, replayEventLog, resetValue } from './replay.ts';
import type { ParsedEventLog } from './types.ts';

/** Firmware extends these, each with a separator at least. */
const LAST_FIRMWARE_PCR = 7;

export interface PcrExpectation {
  readonly bank: HashName;
  readonly pcr: number;
  readonly value: Uint8Array;
}

/**
 * - `matches`: the log leads to the value, or says nothing of the PCR and it is at its reset value.
 * - `differs`: it does not.
 * - `not-in-log`: the log does not speak for the PCR: it has no record of it, or not every record has a digest of the
 *   bank. That proves nothing.
 */
export interface PcrComparison extends PcrExpectation {
  readonly state: 'matches' | 'differs' | 'not-in-log';
  readonly replayed?: Uint8Array;
  /** The known fault of firmware that has to be assumed for the match. */
  readonly quirk?: Quirk;
}

/** Compares a replay with the values that a TPM has, one by one in the order given. */
export function comparePcrs(
  hasher: Hasher,
  log: ParsedEventLog,
  expected: readonly PcrExpectation[],
): readonly PcrComparison[] {
  const banks = replayableBanks(log);
  const replays = new Map(banks.map((bank) => [bank, replayEventLog(hasher, log, bank)]));
  return expected.map((one) => ({ ...one, ...compare(hasher, log, one, replays.get(one.bank)) }));
}

type Compared = Pick<PcrComparison, 'state' | 'replayed' | 'quirk'>;

function compare(
  hasher: Hasher,
  log: ParsedEventLog,
  { bank, pcr, value }: PcrExpectation,
  replays: ReadonlyMap<number, Uint8Array> | undefined,
): Compared {
  if (replays === undefined) return { state: 'not-in-log' };
  const replayed = replays.get(pcr);
  if (replayed === undefined) {
    if (equalBytes(value, resetValue(bank, pcr))) return { state: 'matches' };
    return { state: pcr <= LAST_FIRMWARE_PCR ? 'differs' : 'not-in-log' };
  }
  if (equalBytes(value, replayed)) return { state: 'matches', replayed };
  const quirk = replayQuirk(hasher, log, { bank, pcr, value });
  return quirk === undefined ? { state: 'differs', replayed } : { state: 'matches', replayed, quirk };
}

/** The comparison that fails first by the order in which the log extends: where to look. */
export function firstDifference(comparisons: readonly PcrComparison[]): PcrComparison | undefined {
  return comparisons.filter(({ state }) => state === 'differs').toSorted((a, b) => a.pcr - b.pcr)[0];
}

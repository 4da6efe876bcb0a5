import { toHex } from '../bytes/index.ts';
import type { HashName, Hasher } from '../hash/index.ts';
import { replayableBanks, replayEventLog, resetValue } from './replay.ts';
import type { ParsedEventLog } from './types.ts';

export interface BootAggregateCandidate {
  readonly bank: HashName;
  /** The last PCR that goes into it: 7 or 9. */
  readonly lastPcr: 7 | 9;
  /** Lower-case hexadecimal. */
  readonly digest: string;
}

/**
 * What the first entry of the kernel's measurement list can hold after a boot with this log: a digest over PCR 0 to 7,
 * or 0 to 9 in banks other than SHA-1 since 5.8 (ima_crypto.c, ima_calc_boot_aggregate_tfm); stable kernels differ.
 * PCRs that the log does not extend have their reset value.
 */
export function bootAggregateCandidates(hasher: Hasher, log: ParsedEventLog): readonly BootAggregateCandidate[] {
  return replayableBanks(log).flatMap((bank) => {
    const replayed = replayEventLog(hasher, log, bank);
    const values = Array.from({ length: 10 }, (_, pcr) => replayed.get(pcr) ?? resetValue(bank, pcr));
    return ([7, 9] as const).map((lastPcr) => ({
      bank,
      lastPcr,
      digest: toHex(hasher.digest(bank, ...values.slice(0, lastPcr + 1))),
    }));
  });
}

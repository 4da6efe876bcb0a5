import { concat } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import { hashAlgorithm, type HashName } from '@assay/core/hash';
import { PCR_COUNT, type PcrSelection } from '@assay/core/tpm';

/** PCRs that only a dynamic launch may extend: they start at all ones (PC Client Platform TPM Profile, 4.6). */
const DYNAMIC = [17, 18, 19, 20, 21, 22];
/** PCRs whose change does not move the update counter (same place, "debug" and "application support"). */
const UNCOUNTED = [16, 21, 22, 23];

export const BANKS: readonly HashName[] = ['sha1', 'sha256', 'sha384'];
export const ALL_PCRS: readonly number[] = Array.from({ length: PCR_COUNT }, (_, pcr) => pcr);

/** The PCRs of a TPM that was just started. */
export class PcrBanks {
  readonly #values = new Map(BANKS.map((bank) => [bank, ALL_PCRS.map((pcr) => initialValue(bank, pcr))]));
  #updateCounter = 0;

  get updateCounter(): number {
    return this.#updateCounter;
  }

  extend(pcr: number, bank: HashName, digest: Uint8Array): void {
    const values = this.#values.get(bank);
    const old = values?.[pcr];
    if (values === undefined || old === undefined) return; // A digest for a bank that is not active has no effect.
    values[pcr] = nodeHasher.digest(bank, old, digest);
    if (!UNCOUNTED.includes(pcr)) this.#updateCounter++;
  }

  /** What of a selection there is: a bank that is not active keeps its place with no PCR in it. */
  existing(selection: readonly PcrSelection[]): PcrSelection[] {
    return selection.map(({ bank, pcrs }) => ({ bank, pcrs: this.#values.has(bank) ? pcrs : [] }));
  }

  /** In the order of the selection; it must exist. */
  values(selection: readonly PcrSelection[]): Uint8Array[] {
    return selection.flatMap(({ bank, pcrs }) => pcrs.map((pcr) => this.#values.get(bank)?.[pcr] ?? new Uint8Array(0)));
  }

  composite(hash: HashName, selection: readonly PcrSelection[]): Uint8Array {
    return nodeHasher.digest(hash, concat(this.values(selection)));
  }
}

/** Locality 0, where all commands of this TPM come from, may not extend these. */
export function needsOtherLocality(pcr: number): boolean {
  return DYNAMIC.includes(pcr);
}

function initialValue(bank: HashName, pcr: number): Uint8Array {
  return new Uint8Array(hashAlgorithm(bank).size).fill(DYNAMIC.includes(pcr) ? 0xff : 0);
}

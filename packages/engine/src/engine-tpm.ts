import type { HashName } from '@assay/core/hash';

/** What the engine needs of a TPM; `Tpm` of `@assay/linux/tpm` has it. */
export interface EngineTpm {
  /** Banks that hold PCR 10. */
  activeBanks(): Promise<HashName[]>;
  readPcrs(bank: HashName, pcrs: readonly number[]): Promise<Map<number, Uint8Array>>;
  /** Extends one PCR in all banks given, in one command. */
  extendPcr(pcr: number, digests: ReadonlyMap<HashName, Uint8Array>): Promise<void>;
}

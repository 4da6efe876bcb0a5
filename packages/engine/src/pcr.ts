import { equalBytes, isAllZero } from '@assay/core/bytes';
import { SystemError } from '@assay/core/errors';
import type { HashName } from '@assay/core/hash';
import { emptyPcr, extendPcr, replay, type MeasurementEntry } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { digestIn, type Banks, type DigestedEntry } from './digested.ts';
import { IMA_PCR } from './drafts.ts';
import type { EngineTpm } from './options.ts';

/** PCR 10 in each active bank. */
export type PcrValues = ReadonlyMap<HashName, Uint8Array>;

/** @throws SystemError TPM-BANK */
export async function activeBanks(tpm: EngineTpm): Promise<Banks> {
  const [first, ...others] = await tpm.activeBanks();
  if (first === undefined) throw new SystemError('TPM-BANK', `the TPM has no bank with PCR ${IMA_PCR} in it`);
  return [first, ...others];
}

export async function readPcr(tpm: EngineTpm, banks: Banks): Promise<PcrValues> {
  const values = new Map<HashName, Uint8Array>();
  for (const bank of banks) {
    const value = (await tpm.readPcrs(bank, [IMA_PCR])).get(IMA_PCR);
    if (value === undefined) throw new SystemError('TPM-BANK', `the TPM does not give PCR ${IMA_PCR} of bank ${bank}`);
    values.set(bank, value);
  }
  return values;
}

export function isEmptyPcr(values: PcrValues): boolean {
  return [...values.values()].every(isAllZero);
}

export function samePcr(a: PcrValues, b: PcrValues): boolean {
  return [...a].every(([bank, value]) => equalBytes(value, b.get(bank) ?? new Uint8Array()));
}

export function replayedPcr(banks: Banks, entries: readonly MeasurementEntry[]): PcrValues {
  const value = (bank: HashName): Uint8Array =>
    replay(nodeHasher, { bank, pcr: IMA_PCR, value: emptyPcr(bank) }, entries).value;
  return new Map(banks.map((bank) => [bank, value(bank)]));
}

export function extendedPcr(values: PcrValues, entry: DigestedEntry): PcrValues {
  return new Map([...values].map(([bank, value]) => [bank, extendPcr(nodeHasher, bank, value, digestIn(bank, entry))]));
}

/** @param why what does not fit, as the second half of a sentence */
export function foreignPcr(why: string): SystemError {
  return new SystemError(
    'PCR-FOREIGN',
    `PCR ${IMA_PCR} of the TPM is not empty and ${why}. Reboot, or restart a software TPM, to begin a new list; ` +
      'where the kernel measures into this TPM, use its list and not the engine.',
  );
}

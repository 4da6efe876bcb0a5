import { equalBytes, isAllZero } from '@assay/core/bytes';
import { SystemError } from '@assay/core/errors';
import type { HashName } from '@assay/core/hash';
import { emptyPcr, extendPcr } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { extendedIn, type Banks, type DigestedEntry } from './digested.ts';
import { IMA_PCR } from './drafts.ts';
import type { EngineTpm } from './engine-tpm.ts';

/** One PCR in each active bank. */
export type BankValues = ReadonlyMap<HashName, Uint8Array>;

/** The PCRs into which entries go, by their numbers. */
export type PcrValues = ReadonlyMap<number, BankValues>;

/** @throws SystemError TPM-BANK */
export async function activeBanks(tpm: EngineTpm): Promise<Banks> {
  const active = await tpm.activeBanks();
  const [first, ...others] = active.toSorted((a, b) => Number(b === 'sha256') - Number(a === 'sha256'));
  if (first === undefined) throw new SystemError('TPM-BANK', `the TPM has no bank with PCR ${IMA_PCR} in it`);
  return [first, ...others];
}

export async function readPcr(tpm: EngineTpm, banks: Banks, pcr: number): Promise<BankValues> {
  const values = new Map<HashName, Uint8Array>();
  for (const bank of banks) {
    const value = (await tpm.readPcrs(bank, [pcr])).get(pcr);
    if (value === undefined) throw new SystemError('TPM-BANK', `the TPM does not give PCR ${pcr} of bank ${bank}`);
    values.set(bank, value);
  }
  return values;
}

export async function readPcrs(tpm: EngineTpm, banks: Banks, pcrs: Iterable<number>): Promise<PcrValues> {
  const values = new Map<number, BankValues>();
  for (const pcr of pcrs) values.set(pcr, await readPcr(tpm, banks, pcr));
  return values;
}

export function emptyValues(banks: Banks): BankValues {
  return new Map(banks.map((bank) => [bank, emptyPcr(bank)]));
}

export function isEmptyPcr(values: BankValues): boolean {
  return [...values.values()].every(isAllZero);
}

export function sameValues(a: BankValues, b: BankValues | undefined): boolean {
  return [...a].every(([bank, value]) => equalBytes(value, b?.get(bank) ?? new Uint8Array()));
}

export function samePcrs(a: PcrValues, b: PcrValues): boolean {
  return [...a].every(([pcr, values]) => sameValues(values, b.get(pcr)));
}

/** @throws SystemError PCR-FOREIGN for an entry of a PCR whose value before the list is not known */
export function extendedPcrs(values: PcrValues, entry: DigestedEntry): PcrValues {
  const before = values.get(entry.pcr);
  if (before === undefined) throw foreignPcr(`PCR ${entry.pcr} is in the list, and nobody knows how it began`);
  const after = Array.from(before, ([bank, value]) => {
    return [bank, extendPcr(nodeHasher, bank, value, extendedIn(bank, entry))] as const;
  });
  return new Map([...values, [entry.pcr, new Map(after)]]);
}

/** @param why what does not fit, as the second half of a sentence */
export function foreignPcr(why: string): SystemError {
  return new SystemError(
    'PCR-FOREIGN',
    `PCR ${IMA_PCR} of the TPM is not empty and ${why}. Reboot, or restart a software TPM, to begin a new list; ` +
      'where the kernel measures into this TPM, use its list and not the engine.',
  );
}

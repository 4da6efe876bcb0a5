import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fromHex, toHex } from '@assay/core/bytes';
import { hashAlgorithm, isHashName, type HashName } from '@assay/core/hash';
import type { Banks } from './digested.ts';
import { IMA_PCR } from './drafts.ts';
import { emptyValues, foreignPcr, readPcrs, type BankValues, type PcrValues } from './pcr.ts';
import type { EngineTpm } from './engine-tpm.ts';

/** Beside the list files: a line `PCR BANK VALUE` for each PCR of which the list does not tell how it began. */
export const BASE_FILE = 'pcr_bases';

/**
 * Values of the PCRs before the first entry of the list: zeros for PCR 10, and what the boot left in the others, which are
 * noted before anything of the list goes into them.
 * @param pcrs into which entries may go
 */
export async function listBase(
  directory: string,
  tpm: EngineTpm,
  banks: Banks,
  { pcrs, isNew }: { readonly pcrs: Iterable<number>; readonly isNew: boolean },
): Promise<PcrValues> {
  const known: PcrValues = isNew ? new Map<number, BankValues>() : storedBase(directory, banks);
  const missing = [...pcrs].filter((pcr) => pcr !== IMA_PCR && !known.has(pcr));
  const noted = new Map([...known, ...(await readPcrs(tpm, banks, missing))]);
  if (isNew || missing.length > 0) writeBase(directory, noted);
  return new Map([[IMA_PCR, emptyValues(banks)], ...noted]);
}

function writeBase(directory: string, base: PcrValues): void {
  const lines = [...base].flatMap(([pcr, values]) =>
    Array.from(values, ([bank, value]) => `${pcr} ${bank} ${toHex(value)}\n`),
  );
  const beside = join(directory, `.${BASE_FILE}.new`);
  writeFileSync(beside, lines.join(''), { mode: 0o600, flush: true });
  renameSync(beside, join(directory, BASE_FILE));
}

/** @throws SystemError PCR-FOREIGN where it is damaged */
function storedBase(directory: string, banks: Banks): PcrValues {
  const path = join(directory, BASE_FILE);
  const lines = existsSync(path) ? readFileSync(path, 'latin1').split('\n').slice(0, -1) : [];
  const found = new Map<number, Map<HashName, Uint8Array>>();
  for (const line of lines) {
    const [, pcr, bank = '', hex = ''] = /^(\d{1,2}) ([a-z0-9-]{1,16}) ([0-9a-f]{1,128})$/.exec(line) ?? [];
    if (!isHashName(bank) || hex.length !== 2 * hashAlgorithm(bank).size) throw foreignPcr(`${path} is damaged`);
    const values = found.get(Number(pcr)) ?? new Map<HashName, Uint8Array>();
    found.set(Number(pcr), values.set(bank, fromHex(hex)));
  }
  const isWhole = [...found.values()].every((values) => banks.every((bank) => values.has(bank)));
  if (!isWhole) throw foreignPcr(`${path} is not of this TPM`);
  return found;
}

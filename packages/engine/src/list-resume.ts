import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FormatError } from '@assay/core/errors';
import { parseBinaryList } from '@assay/core/measurement';
import { digestedEntry, type Banks, type DigestedEntry } from './digested.ts';
import { binaryListName } from './list-files.ts';
import { extendedPcrs, foreignPcr, samePcrs, type PcrValues } from './pcr.ts';

/** What an engine finds of a list that goes on. */
export interface Resumption {
  readonly entries: readonly DigestedEntry[];
  /** How many of the entries the PCRs hold; those after them were written and not extended. */
  readonly extended: number;
  /** The PCRs with those. */
  readonly values: PcrValues;
}

/**
 * Compares the list in a directory with the PCRs. A torn last record is left out: what is extended was written whole.
 * @param base values before the first entry
 * @param found values of the TPM now
 * @throws SystemError PCR-FOREIGN where the list does not explain them
 */
export function resumption(directory: string, banks: Banks, base: PcrValues, found: PcrValues): Resumption {
  const [bank] = banks;
  const entries = storedEntries(join(directory, binaryListName(bank)), banks);
  let values = base;
  let last: Pick<Resumption, 'extended' | 'values'> | undefined;
  for (let extended = 0; ; extended++) {
    if (samePcrs(values, found)) last = { extended, values };
    const entry = entries[extended];
    if (entry === undefined) break;
    values = extendedPcrs(values, entry);
  }
  if (last === undefined) throw foreignPcr(`the ${entries.length} entries in ${directory} do not replay to it`);
  return { entries, ...last };
}

function storedEntries(path: string, banks: Banks): readonly DigestedEntry[] {
  if (!existsSync(path)) throw foreignPcr(`there is no list ${path}`);
  try {
    const { entries } = parseBinaryList(readFileSync(path), { bank: banks[0], incompleteTail: 'leave' });
    return entries.map((entry) => digestedEntry(banks, entry));
  } catch (error) {
    if (error instanceof FormatError) throw foreignPcr(`the list ${path} is damaged (${error.message})`);
    throw error;
  }
}

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { FormatError } from '@assay/core/errors';
import { emptyPcr, matchingPrefix, parseBinaryList, type MeasurementEntry } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import type { Banks } from './digested.ts';
import { IMA_PCR } from './drafts.ts';
import { binaryListName } from './list-files.ts';
import { foreignPcr, isEmptyPcr, replayedPcr, samePcr, type PcrValues } from './pcr.ts';

/** What an engine finds when it starts. */
export interface Resumption {
  /** Whether the list goes on: PCR 10 is not empty, as it is after a start of the machine or of its TPM. */
  readonly continued: boolean;
  readonly entries: readonly MeasurementEntry[];
  /** How many of the entries PCR 10 holds; those after them were written and not extended. */
  readonly extended: number;
}

/**
 * Compares the list in a directory with PCR 10. A torn last record is left out: what is extended was written whole.
 * @throws SystemError PCR-FOREIGN where the list does not explain the PCR
 */
export function resumption(directory: string, banks: Banks, values: PcrValues): Resumption {
  if (isEmptyPcr(values)) return { continued: false, entries: [], extended: 0 };
  const [bank] = banks;
  const entries = storedEntries(join(directory, binaryListName(bank)), banks);
  const from = { bank, pcr: IMA_PCR, value: emptyPcr(bank) };
  const extended = matchingPrefix(nodeHasher, from, entries, values.get(bank) ?? from.value);
  if (extended === undefined || !samePcr(replayedPcr(banks, entries.slice(0, extended)), values)) {
    throw foreignPcr(`the ${entries.length} entries in ${directory} do not replay to it`);
  }
  return { continued: true, entries, extended };
}

function storedEntries(path: string, [bank]: Banks): readonly MeasurementEntry[] {
  if (!existsSync(path)) throw foreignPcr(`there is no list ${path}`);
  try {
    return parseBinaryList(readFileSync(path), { bank, incompleteTail: 'leave' }).entries;
  } catch (error) {
    if (error instanceof FormatError) throw foreignPcr(`the list ${path} is damaged (${error.message})`);
    throw error;
  }
}

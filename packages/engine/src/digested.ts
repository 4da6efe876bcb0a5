import { toHex } from '@assay/core/bytes';
import type { HashName } from '@assay/core/hash';
import { encodeTemplateData, templateDigest } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { IMA_PCR, type EntryDraft } from './drafts.ts';

/** The active banks of a TPM; at least one. The binary list of the first is the one that is read after a restart. */
export type Banks = readonly [HashName, ...HashName[]];

/** An entry with its template digest in every bank that a file is written for, and in sha256. */
export interface DigestedEntry {
  readonly pcr: number;
  readonly template: string;
  readonly templateData: Uint8Array;
  readonly digests: ReadonlyMap<HashName, Uint8Array>;
}

/** The banks that list files are written for: the active ones and, as with the kernel, sha1 in any case. */
export function listedBanks(banks: Banks): HashName[] {
  return [...new Set<HashName>([...banks, 'sha1'])];
}

export function digestedEntry(
  banks: Banks,
  entry: { readonly template: string; readonly templateData: Uint8Array },
): DigestedEntry {
  const { template, templateData } = entry;
  const algorithms = new Set<HashName>([...listedBanks(banks), 'sha256']);
  const digests = Array.from(algorithms, (bank) => [bank, templateDigest(nodeHasher, bank, entry)] as const);
  return { pcr: IMA_PCR, template, templateData, digests: new Map(digests) };
}

export function digestedDraft(banks: Banks, { template, fields }: EntryDraft): DigestedEntry {
  return digestedEntry(banks, { template, templateData: encodeTemplateData(template, fields) });
}

/** Equal for two entries that the kernel would take for one (ima_queue.c, ima_lookup_digest_entry). */
export function listedKey(entry: DigestedEntry): string {
  return toHex(digestIn('sha256', entry));
}

export function digestIn(bank: HashName, { digests }: DigestedEntry): Uint8Array {
  const digest = digests.get(bank);
  if (digest === undefined) throw new RangeError(`an entry without its ${bank} digest`);
  return digest;
}

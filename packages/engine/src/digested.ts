import { toHex } from '@assay/core/bytes';
import { hashAlgorithm, type HashName } from '@assay/core/hash';
import { encodeTemplateData, templateDigest, type MeasurementEntry } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { IMA_PCR, type EntryDraft } from './drafts.ts';

/**
 * The active banks of a TPM; at least one. The binary list of the first is the one that is read after a restart, and kept in the
 * archive: SHA-256 where it is active, as agents send that one.
 */
export type Banks = readonly [HashName, ...HashName[]];

/** What an entry is apart from its digests. */
export interface ListedContent {
  readonly pcr: number;
  readonly template: string;
  readonly templateData: Uint8Array;
  readonly violation: boolean;
}

/** An entry with the digest that is recorded in every bank that a file is written for, and in sha256. */
export interface DigestedEntry extends ListedContent {
  readonly digests: ReadonlyMap<HashName, Uint8Array>;
}

/** The banks that list files are written for: the active ones and, as with the kernel, sha1 in any case. */
export function listedBanks(banks: Banks): HashName[] {
  return [...new Set<HashName>([...banks, 'sha1'])];
}

export function digestedEntry(banks: Banks, content: ListedContent): DigestedEntry {
  const { pcr, template, templateData, violation } = content;
  const algorithms = new Set<HashName>([...listedBanks(banks), 'sha256']);
  const digestOf = (bank: HashName): Uint8Array =>
    violation ? new Uint8Array(hashAlgorithm(bank).size) : templateDigest(nodeHasher, bank, content);
  const digests = new Map(Array.from(algorithms, (bank) => [bank, digestOf(bank)] as const));
  return { pcr, template, templateData, violation, digests };
}

export function digestedDraft(banks: Banks, draft: EntryDraft): DigestedEntry {
  const { template, fields, pcr = IMA_PCR, violation = false } = draft;
  return digestedEntry(banks, { pcr, template, violation, templateData: encodeTemplateData(template, fields) });
}

/**
 * Equal for two entries that the kernel would take for one (ima_queue.c, ima_lookup_digest_entry); undefined for violations,
 * of which each is recorded.
 */
export function listedKey(entry: DigestedEntry): string | undefined {
  return entry.violation ? undefined : keyOf(entry.pcr, digestIn('sha256', entry));
}

/** The same of an entry as the list of a bank has it. */
export function recordedKey(banks: Banks, bank: HashName, entry: MeasurementEntry): string | undefined {
  if (bank !== 'sha256' || entry.violation) return listedKey(digestedEntry(banks, entry));
  return keyOf(entry.pcr, entry.templateDigest);
}

function keyOf(pcr: number, sha256: Uint8Array): string {
  return `${pcr} ${toHex(sha256)}`;
}

/** As the list of a bank records it: of a violation zeros. */
export function digestIn(bank: HashName, { digests }: DigestedEntry): Uint8Array {
  const digest = digests.get(bank);
  if (digest === undefined) throw new RangeError(`an entry without its ${bank} digest`);
  return digest;
}

/** As a bank is extended: of a violation 0xff bytes (ima_queue.c, ima_add_template_entry). */
export function extendedIn(bank: HashName, entry: DigestedEntry): Uint8Array {
  return entry.violation ? new Uint8Array(hashAlgorithm(bank).size).fill(0xff) : digestIn(bank, entry);
}

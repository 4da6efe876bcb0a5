import { isAllZero } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import { hashAlgorithm, type HashName, type Hasher } from '../hash/index.ts';
import type { EntryContent, TemplateContent } from './entry.ts';
import { digestInput } from './template-data.ts';

/**
 * How the kernel fills a bank (ima_init_digests, ima_calc_field_array_hash):
 * - `own-digest`: with a digest of that bank, since 5.8;
 * - `padded-sha1`: with the SHA-1 template digest and zeros after it, before 5.8, and for algorithms that it has no id for;
 * - `padded-sha1-whole-violations`: likewise, but with 0xff bytes to the end of the bank for a violation: since 5.8 where
 *   the algorithm was not there when IMA was initialised, as SHA-384 and SHA-512 in Debian's 6.1.
 */
export type ExtendRule = 'own-digest' | 'padded-sha1' | 'padded-sha1-whole-violations';

export const PADDED_RULES = ['padded-sha1', 'padded-sha1-whole-violations'] as const satisfies readonly ExtendRule[];

const SHA1_SIZE = 20;

/** Digest of the template data in one bank (ima_crypto.c, ima_calc_field_array_hash_tfm). */
export function templateDigest(hasher: Hasher, bank: HashName, entry: TemplateContent): Uint8Array {
  return hasher.digest(bank, digestInput(entry));
}

/** A violation is recorded as zeros (ima_queue.c, ima_add_template_entry). */
export function isViolation(entry: { readonly templateDigest: Uint8Array }): boolean {
  return isAllZero(entry.templateDigest);
}

/** What is extended for an entry: its template digest, or 0xff bytes for a violation. */
export function extendValue(
  hasher: Hasher,
  bank: HashName,
  entry: TemplateContent & Pick<EntryContent, 'templateDigest'>,
  rule: ExtendRule = 'own-digest',
): Uint8Array {
  const value = new Uint8Array(hashAlgorithm(bank).size);
  const padded = rule !== 'own-digest' && bank !== 'sha1';
  if (isViolation(entry)) return rule === 'padded-sha1' && padded ? value.fill(0xff, 0, SHA1_SIZE) : value.fill(0xff);
  if (!padded) return templateDigest(hasher, bank, entry);
  value.set(templateDigest(hasher, 'sha1', entry));
  return value;
}

/** TPM2_PCR_Extend in software: H(old || value) (TPM 2.0 Part 1, section 17.2). */
export function extendPcr(hasher: Hasher, bank: HashName, pcrValue: Uint8Array, value: Uint8Array): Uint8Array {
  return hasher.digest(bank, pcrValue, value);
}

/** Value of PCR 10 before the first extend. */
export function emptyPcr(bank: HashName): Uint8Array<ArrayBuffer> {
  return new Uint8Array(hashAlgorithm(bank).size);
}

/** PCRs that boot_aggregate covers: 0 to 9, in a SHA-1 bank 0 to 7 (ima_crypto.c, ima_calc_boot_aggregate_tfm, since 5.8). */
export function bootAggregatePcrs(bank: HashName): readonly number[] {
  return Array.from({ length: bank === 'sha1' ? 8 : 10 }, (_, pcr) => pcr);
}

/**
 * `boot_aggregate`: digest over the PCRs that it covers.
 * @throws FormatError LIST-FIELD when a PCR is missing
 */
export function bootAggregate(hasher: Hasher, bank: HashName, pcrValues: ReadonlyMap<number, Uint8Array>): Uint8Array {
  return hasher.digest(bank, ...bootAggregatePcrs(bank).map((pcr) => pcrOf(pcrValues, pcr)));
}

function pcrOf(pcrValues: ReadonlyMap<number, Uint8Array>, pcr: number): Uint8Array {
  const value = pcrValues.get(pcr);
  if (value === undefined) throw new FormatError('LIST-FIELD', `boot_aggregate needs PCR ${pcr}, which is missing`);
  return value;
}

import { isAllZero } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import { hashAlgorithm, type HashName, type Hasher } from '../hash/index.ts';
import type { EntryContent } from './entry.ts';

/** Digest of the template data in one bank (ima_crypto.c, ima_calc_field_array_hash_tfm; every template but `ima`). */
export function templateDigest(
  hasher: Hasher,
  bank: HashName,
  entry: { readonly templateData: Uint8Array },
): Uint8Array {
  return hasher.digest(bank, entry.templateData);
}

/** A violation is recorded as zeros (ima_queue.c, ima_add_template_entry). */
export function isViolation(entry: { readonly templateDigest: Uint8Array }): boolean {
  return isAllZero(entry.templateDigest);
}

/** What is extended for an entry: its template digest, or 0xff bytes for a violation (ima_init_digests). */
export function extendValue(
  hasher: Hasher,
  bank: HashName,
  entry: Pick<EntryContent, 'templateDigest' | 'templateData'>,
): Uint8Array {
  return isViolation(entry) ? new Uint8Array(hashAlgorithm(bank).size).fill(0xff) : templateDigest(hasher, bank, entry);
}

/** TPM2_PCR_Extend in software: H(old || value) (TPM 2.0 Part 1, section 17.2). */
export function extendPcr(hasher: Hasher, bank: HashName, pcrValue: Uint8Array, value: Uint8Array): Uint8Array {
  return hasher.digest(bank, pcrValue, value);
}

/** Value of PCR 10 before the first extend. */
export function emptyPcr(bank: HashName): Uint8Array {
  return new Uint8Array(hashAlgorithm(bank).size);
}

/**
 * `boot_aggregate`: digest over PCR 0 to 9, in a SHA-1 bank over PCR 0 to 7
 * (ima_crypto.c, ima_calc_boot_aggregate_tfm, since 5.8).
 * @throws FormatError LIST-FIELD when a PCR is missing
 */
export function bootAggregate(hasher: Hasher, bank: HashName, pcrValues: ReadonlyMap<number, Uint8Array>): Uint8Array {
  const last = bank === 'sha1' ? 7 : 9;
  const values = Array.from({ length: last + 1 }, (_, pcr) => pcrOf(pcrValues, pcr));
  return hasher.digest(bank, ...values);
}

function pcrOf(pcrValues: ReadonlyMap<number, Uint8Array>, pcr: number): Uint8Array {
  const value = pcrValues.get(pcr);
  if (value === undefined) throw new FormatError('LIST-FIELD', `boot_aggregate needs PCR ${pcr}, which is missing`);
  return value;
}

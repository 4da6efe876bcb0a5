import { VerificationError } from '../errors/index.ts';
import { hashAlgorithm, type Hasher, type HashName } from '../hash/index.ts';
import { slabArray } from './slab.ts';
import type { PcrSelection } from './structures/pcr-selection.ts';

/** Values of one bank, by PCR number. */
export type PcrValues = ReadonlyMap<number, Uint8Array>;

/** Values of several banks. */
export type BankValues = ReadonlyMap<HashName, PcrValues>;

/**
 * Digest of PCR values in the order of the selection, each entry by ascending PCR: what a quote holds, by the hash of
 * the signing scheme, and what PolicyPCR takes, by that of the policy (TPM 2.0 Part 3, clauses 18.4 and 23.7).
 * @param values must hold every selected PCR
 * @throws VerificationError QUOTE-PCR-DIGEST where one is missing or of another size than its bank's
 */
export function pcrComposite(
  hasher: Hasher,
  hash: HashName,
  selection: readonly PcrSelection[],
  values: BankValues,
): Uint8Array {
  return hasher.digest(hash, joinValues(selection, values));
}

/**
 * What `pcrComposite` digests: a copy of the selected values, one after another.
 * @throws VerificationError QUOTE-PCR-DIGEST as there
 */
export function joinValues(selection: readonly PcrSelection[], values: BankValues): Uint8Array {
  let [size, end] = [0, 0];
  for (const { bank, pcrs } of selection) size += pcrs.length * hashAlgorithm(bank).size;
  const joined = slabArray(size);
  for (const { bank, pcrs } of selection) {
    const ofBank = values.get(bank);
    for (const pcr of ascending(pcrs)) {
      const value = valueOf(ofBank?.get(pcr), bank, pcr);
      joined.set(value, end);
      end += value.length;
    }
  }
  return joined;
}

/** The values that `joinValues` joined, where `selection` has each bank once and its PCRs ascending. */
export function splitValues(selection: readonly PcrSelection[], joined: Uint8Array): BankValues {
  let end = 0;
  const next = (size: number): Uint8Array => joined.subarray(end, (end += size));
  return new Map(
    selection.map(({ bank, pcrs }) => {
      const { size } = hashAlgorithm(bank);
      return [bank, new Map(pcrs.map((pcr) => [pcr, next(size)]))];
    }),
  );
}

function ascending(pcrs: readonly number[]): readonly number[] {
  const isSorted = pcrs.every((pcr, index) => index === 0 || (pcrs[index - 1] ?? 0) < pcr);
  return isSorted ? pcrs : pcrs.toSorted((a, b) => a - b);
}

function valueOf(value: Uint8Array | undefined, bank: HashName, pcr: number): Uint8Array {
  if (value === undefined) throw refused(`the value of PCR ${pcr} of ${bank} is missing`);
  if (value.length !== hashAlgorithm(bank).size) {
    throw refused(`the value of PCR ${pcr} has ${value.length} bytes, not those of ${bank}`);
  }
  return value;
}

function refused(reason: string): VerificationError {
  return new VerificationError('QUOTE-PCR-DIGEST', `PCR values refused: ${reason}`);
}

import { VerificationError } from '../errors/index.ts';
import { hashAlgorithm, type Hasher, type HashName } from '../hash/index.ts';
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
  const parts: Uint8Array[] = [];
  for (const { bank, pcrs } of selection) {
    const ofBank = values.get(bank);
    for (const pcr of ascending(pcrs)) parts.push(valueOf(ofBank?.get(pcr), bank, pcr));
  }
  return hasher.digest(hash, ...parts);
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

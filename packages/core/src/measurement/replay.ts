import { equalBytes } from '../bytes/index.ts';
import type { HashName, Hasher } from '../hash/index.ts';
import { extendPcr, extendValue, templateDigest, type ExtendRule } from './digests.ts';
import type { MeasurementEntry } from './entry.ts';

/** One PCR of one bank, replayed over entries. */
export interface ReplayedPcr {
  readonly bank: HashName;
  readonly pcr: number;
  readonly value: Uint8Array;
  /** Default: `own-digest`. */
  readonly rule?: ExtendRule;
  /** Bank of the recorded template digests, where they were found to be right: they are not computed again. */
  readonly checked?: HashName;
}

/** Extends the PCR's value with the entries that go to it, in order; entries of other PCRs are passed over. */
export function replay(hasher: Hasher, from: ReplayedPcr, entries: Iterable<MeasurementEntry>): ReplayedPcr {
  let { value } = from;
  for (const entry of entries) {
    if (entry.pcr !== from.pcr) continue;
    value = extendPcr(hasher, from.bank, value, valueOf(hasher, from, entry));
  }
  return { ...from, value };
}

function valueOf(hasher: Hasher, { bank, rule, checked }: ReplayedPcr, entry: MeasurementEntry): Uint8Array {
  const recorded = checked === bank && (rule ?? 'own-digest') === 'own-digest' && !entry.violation;
  return recorded ? entry.templateDigest : extendValue(hasher, bank, entry, rule);
}

/**
 * How many of the entries lead from one PCR value to the expected one. The list may be longer than the quote, because
 * entries arrive between the two. Entries of other PCRs count as covered only when one of this PCR follows them.
 * @returns undefined when no prefix leads there
 */
export function matchingPrefix(
  hasher: Hasher,
  from: ReplayedPcr,
  entries: readonly MeasurementEntry[],
  expected: Uint8Array,
): number | undefined {
  let { value } = from;
  if (equalBytes(value, expected)) return 0;
  for (const [index, entry] of entries.entries()) {
    if (entry.pcr !== from.pcr) continue;
    value = extendPcr(hasher, from.bank, value, valueOf(hasher, from, entry));
    if (equalBytes(value, expected)) return index + 1;
  }
  return undefined;
}

/** Whether the recorded template digest is the digest of the entry's data; violations record none. */
export function hasRightDigest(hasher: Hasher, bank: HashName, entry: MeasurementEntry): boolean {
  return entry.violation || equalBytes(templateDigest(hasher, bank, entry), entry.templateDigest);
}

/** The first entry whose recorded template digest is not the digest of its data. */
export function firstForgedDigest(
  hasher: Hasher,
  bank: HashName,
  entries: readonly MeasurementEntry[],
): MeasurementEntry | undefined {
  return entries.find((entry) => !hasRightDigest(hasher, bank, entry));
}

/** What a replayed PCR is compared with. */
export interface ExpectedPcr {
  readonly bank: HashName;
  readonly pcr: number;
  readonly value: Uint8Array;
}

export interface ReplayResult {
  readonly bank: HashName;
  readonly pcr: number;
  /** After all entries, by the rule that matched, else by the kernel's since 5.8. */
  readonly value: Uint8Array;
  readonly rule: ExtendRule;
  /** Entries that went to this PCR. */
  readonly extends: number;
  /** Number of the last of them, or 0. */
  readonly lastEntry: number;
  readonly expected?: Uint8Array;
  /** Entries of the list up to and with the one that led to the expected value; absent when none did. */
  readonly matchedEntries?: number;
}

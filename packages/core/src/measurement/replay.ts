import { equalBytes } from '../bytes/index.ts';
import type { HashName, Hasher } from '../hash/index.ts';
import { PADDED_RULES, emptyPcr, extendPcr, extendValue, templateDigest, type ExtendRule } from './digests.ts';
import type { MeasurementEntry } from './entry.ts';

/** One PCR of one bank, replayed over entries. */
export interface ReplayedPcr {
  readonly bank: HashName;
  readonly pcr: number;
  readonly value: Uint8Array;
  /** Default: `own-digest`. */
  readonly rule?: ExtendRule;
}

/** Extends the PCR's value with the entries that go to it, in order; entries of other PCRs are passed over. */
export function replay(hasher: Hasher, from: ReplayedPcr, entries: Iterable<MeasurementEntry>): ReplayedPcr {
  let { value } = from;
  for (const entry of entries) {
    if (entry.pcr !== from.pcr) continue;
    value = extendPcr(hasher, from.bank, value, extendValue(hasher, from.bank, entry, from.rule));
  }
  return { ...from, value };
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
  let state = from;
  if (equalBytes(state.value, expected)) return 0;
  for (const [index, entry] of entries.entries()) {
    if (entry.pcr !== from.pcr) continue;
    state = replay(hasher, state, [entry]);
    if (equalBytes(state.value, expected)) return index + 1;
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
  readonly expected?: Uint8Array;
  /** Entries of the list up to and with the one that led to the expected value; absent when none did. */
  readonly matchedEntries?: number;
}

/** One PCR by one rule, watched for the value that is expected. */
interface Track {
  readonly rule: ExtendRule;
  value: Uint8Array;
  matchedEntries?: number;
}

/**
 * Replays every PCR of a list as it streams by, in constant memory: those of the list's bank, and those that are
 * expected, in whatever bank, by each rule that a kernel may have followed.
 */
export class ListReplay {
  readonly #hasher: Hasher;
  readonly #bank: HashName;
  readonly #lines: Line[];
  #entries = 0;

  /** @param bank in which each PCR that occurs is replayed */
  constructor(hasher: Hasher, bank: HashName, expected: readonly ExpectedPcr[] = []) {
    this.#hasher = hasher;
    this.#bank = bank;
    this.#lines = expected.map((one) => newLine(one.bank, one.pcr, one.value));
  }

  add(entry: MeasurementEntry): void {
    this.#entries++;
    const known = this.#lines.some(({ bank, pcr }) => bank === this.#bank && pcr === entry.pcr);
    if (!known) this.#lines.push(newLine(this.#bank, entry.pcr));
    for (const line of this.#lines) {
      if (line.pcr === entry.pcr) this.#extend(line, entry);
    }
  }

  /** One for each PCR that is expected, then one for each other PCR that occurred. */
  results(): ReplayResult[] {
    return this.#lines.map(resultOf);
  }

  #extend(line: Line, entry: MeasurementEntry): void {
    line.extends++;
    for (const track of line.tracks) {
      const value = extendValue(this.#hasher, line.bank, entry, track.rule);
      track.value = extendPcr(this.#hasher, line.bank, track.value, value);
      const matches = line.expected !== undefined && equalBytes(track.value, line.expected);
      if (matches && track.matchedEntries === undefined) track.matchedEntries = this.#entries;
    }
  }
}

/** One PCR of one bank, by each rule that may lead to the expected value. */
interface Line {
  readonly bank: HashName;
  readonly pcr: number;
  readonly expected?: Uint8Array;
  readonly tracks: readonly [Track, ...Track[]];
  extends: number;
}

function newLine(bank: HashName, pcr: number, expected?: Uint8Array): Line {
  const own: Track = { rule: 'own-digest', value: emptyPcr(bank) };
  const padded = PADDED_RULES.map((rule): Track => ({ rule, value: emptyPcr(bank) }));
  if (expected === undefined) return { bank, pcr, extends: 0, tracks: [own] };
  return { bank, pcr, extends: 0, expected, tracks: bank === 'sha1' ? [own] : [own, ...padded] };
}

function resultOf({ bank, pcr, expected, extends: count, tracks }: Line): ReplayResult {
  const { value, rule, matchedEntries } = tracks.find((track) => track.matchedEntries !== undefined) ?? tracks[0];
  return {
    bank,
    pcr,
    value,
    rule,
    extends: count,
    ...(expected === undefined ? {} : { expected }),
    ...(matchedEntries === undefined ? {} : { matchedEntries }),
  };
}

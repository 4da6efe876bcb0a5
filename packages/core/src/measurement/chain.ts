import { equalBytes } from '../bytes/index.ts';
import { hashAlgorithm, type HashName, type InPlaceHasher, type Register } from '../hash/index.ts';
import { PADDED_RULES, type ExtendRule } from './digests.ts';
import type { ExpectedPcr, ReplayResult } from './replay.ts';

const SHA1_SIZE = 20;

/** A PCR of a bank by one rule. */
export interface TrackState {
  readonly rule: ExtendRule;
  readonly value: Uint8Array;
  readonly matchedEntries?: number;
}

/** A PCR of a bank by every rule that may lead to the value that is expected. */
export interface LineState {
  readonly bank: HashName;
  readonly pcr: number;
  readonly expected?: Uint8Array;
  readonly extends: number;
  /** Number of the last entry that went to it, or 0. */
  readonly lastEntry: number;
  readonly own: TrackState;
  /** In the order of `PADDED_RULES`, or none. */
  readonly padded: readonly TrackState[];
}

/** Where the digests of a bank stand behind an entry's first one. */
export type BankOffsets = ReadonlyMap<HashName, number>;

class Track {
  readonly rule: ExtendRule;
  readonly #register: Register;
  readonly #bytes: Uint8Array;
  /** What is extended, where it does not stand with the entry. */
  readonly #padded: DataView;
  readonly #violation: DataView;
  matchedEntries: number | undefined;

  constructor(bank: HashName, { rule, value, matchedEntries }: TrackState, hasher: InPlaceHasher) {
    this.rule = rule;
    this.#register = hasher.register(bank, value);
    const { buffer, byteOffset, byteLength } = this.#register.value;
    this.#bytes = new Uint8Array(buffer, byteOffset, byteLength);
    this.matchedEntries = matchedEntries;
    const { size } = hashAlgorithm(bank);
    this.#padded = viewOf(new Uint8Array(size));
    const ones = rule === 'padded-sha1' ? SHA1_SIZE : size;
    this.#violation = viewOf(new Uint8Array(size).fill(0xff, 0, ones));
  }

  get state(): TrackState {
    const { rule, matchedEntries } = this;
    return { rule, value: this.#bytes.slice(), ...(matchedEntries === undefined ? {} : { matchedEntries }) };
  }

  get firstWord(): number {
    return this.#register.value.getUint32(0);
  }

  has(value: Uint8Array): boolean {
    return equalBytes(this.#bytes, value);
  }

  /** Takes the value of another track that was extended by the same. */
  follow(other: Track): void {
    this.#bytes.set(other.#bytes);
  }

  /** @param at where the digest stands that is extended, or padded and extended */
  extend(values: DataView, at: number, violation: boolean): void {
    if (violation) this.#register.extend(this.#violation, 0);
    else if (this.rule === 'own-digest') this.#register.extend(values, at);
    else {
      for (let index = 0; index < SHA1_SIZE; index += 4) this.#padded.setUint32(index, values.getUint32(at + index));
      this.#register.extend(this.#padded, 0);
    }
  }
}

class Line {
  readonly bank: HashName;
  readonly pcr: number;
  readonly #expected: Uint8Array | undefined;
  readonly #firstWord: number;
  readonly #own: Track;
  /** By each rule of padding; empty where only the bank's own digests can lead to the value. */
  readonly #padded: readonly Track[];
  readonly #ownOffset: number;
  readonly #sha1Offset: number;
  /** The rules of padding differ only in what a violation extends. */
  #paddedDiffer: boolean;
  #extends: number;
  #lastEntry: number;

  constructor(state: LineState, hasher: InPlaceHasher, offsets: BankOffsets) {
    const { bank, pcr, expected, own, padded } = state;
    this.bank = bank;
    this.pcr = pcr;
    this.#expected = expected;
    this.#firstWord = expected === undefined ? 0 : viewOf(expected).getUint32(0);
    this.#own = new Track(bank, own, hasher);
    this.#padded = padded.map((track) => new Track(bank, track, hasher));
    this.#ownOffset = offsets.get(bank) ?? 0;
    this.#sha1Offset = offsets.get('sha1') ?? 0;
    this.#paddedDiffer = padded.some(({ value }) => !equalBytes(value, padded[0]?.value ?? value));
    this.#extends = state.extends;
    this.#lastEntry = state.lastEntry;
  }

  get state(): LineState {
    const { bank, pcr } = this;
    const expected = this.#expected === undefined ? {} : { expected: this.#expected };
    const padded = this.#padded.map(({ state }) => state);
    const counts = { extends: this.#extends, lastEntry: this.#lastEntry };
    return { bank, pcr, ...expected, ...counts, own: this.#own.state, padded };
  }

  extend(values: DataView, at: number, violation: boolean, entries: number): void {
    this.#extends++;
    this.#lastEntry = entries;
    this.#own.extend(values, at + this.#ownOffset, violation);
    if (this.#expected === undefined) return;
    this.#compare(this.#own, this.#expected, entries);
    const [first, ...others] = this.#padded;
    if (first === undefined) return;
    if (violation) this.#paddedDiffer = true;
    first.extend(values, at + this.#sha1Offset, violation);
    this.#compare(first, this.#expected, entries);
    for (const other of others) {
      if (this.#paddedDiffer) other.extend(values, at + this.#sha1Offset, violation);
      else other.follow(first);
      this.#compare(other, this.#expected, entries);
    }
  }

  #compare(track: Track, expected: Uint8Array, entries: number): void {
    if (track.firstWord === this.#firstWord && track.has(expected)) track.matchedEntries ??= entries;
  }
}

/** Every PCR that a list extends, in each bank that is asked for, and those that are expected. */
export class PcrChain {
  readonly #lines: Line[];
  readonly #ofPcr: Line[][] = [];
  readonly #banks: readonly HashName[];
  readonly #hasher: InPlaceHasher;
  readonly #offsets: BankOffsets;

  /** @param banks in which each PCR that occurs is replayed */
  constructor(
    lines: readonly LineState[],
    banks: readonly HashName[],
    given: { readonly hasher: InPlaceHasher; readonly offsets: BankOffsets },
  ) {
    this.#hasher = given.hasher;
    this.#offsets = given.offsets;
    this.#banks = banks;
    this.#lines = lines.map((line) => new Line(line, given.hasher, given.offsets));
  }

  get states(): LineState[] {
    return this.#lines.map(({ state }) => state);
  }

  /** Extends by the entry whose digests stand at `at`; `entries` of the list are read with it. */
  extend(pcr: number, values: DataView, at: number, violation: boolean, entries: number): void {
    const lines = this.#ofPcr[pcr] ?? this.#begin(pcr);
    for (let index = 0; index < lines.length; index++) lines[index]?.extend(values, at, violation, entries);
  }

  #begin(pcr: number): Line[] {
    const given = this.#lines.filter((line) => line.pcr === pcr);
    const missing = this.#banks.filter((bank) => given.every((line) => line.bank !== bank));
    const added = missing.map((bank) => new Line(newLine({ bank, pcr }), this.#hasher, this.#offsets));
    this.#lines.push(...added);
    return (this.#ofPcr[pcr] = [...given, ...added]);
  }
}

/** A line before the first entry. */
export function newLine(pcr: Omit<ExpectedPcr, 'value'> & Partial<ExpectedPcr>): LineState {
  const { bank, value: expected } = pcr;
  const value = new Uint8Array(hashAlgorithm(bank).size);
  const line = { bank, pcr: pcr.pcr, extends: 0, lastEntry: 0, own: { rule: 'own-digest', value } } as const;
  if (expected === undefined) return { ...line, padded: [] };
  return { ...line, expected, padded: value.length <= SHA1_SIZE ? [] : PADDED_RULES.map((rule) => ({ rule, value })) };
}

export function resultOf({ bank, pcr, expected, extends: count, lastEntry, own, padded }: LineState): ReplayResult {
  const { value, rule, matchedEntries } = [own, ...padded].find((track) => track.matchedEntries !== undefined) ?? own;
  return {
    bank,
    pcr,
    value,
    rule,
    extends: count,
    lastEntry,
    ...(expected === undefined ? {} : { expected }),
    ...(matchedEntries === undefined ? {} : { matchedEntries }),
  };
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

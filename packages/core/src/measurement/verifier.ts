import { hashAlgorithm, type HashName, type InPlaceHasher } from '../hash/index.ts';
import { AsciiEntries } from './ascii.ts';
import { parseBinaryList } from './binary.ts';
import { newLine, type LineState } from './chain.ts';
import { Digester } from './digester.ts';
import type { MeasurementEntry } from './entry.ts';
import { Extensions } from './extensions.ts';
import { Held } from './held.ts';
import type { ExpectedPcr } from './replay.ts';
import type { ListForm } from './form.ts';
import type { ListStart } from './rotation.ts';
import { digestBanks, ListTotals, type ListReport, type TotalsState } from './totals.ts';

/** Entries that are digested at a time. */
const BATCH = 4096;

export interface VerifyOptions {
  readonly form: ListForm;
  /** In which each PCR that occurs is replayed. Default: that of the list's template digests. */
  readonly banks?: readonly HashName[];
  readonly expected?: readonly ExpectedPcr[];
  /** What is before the first entry, where the list begins after others; nothing of it is verified. */
  readonly start?: ListStart;
}

/** All that is kept of the part of a list that is verified: with it another goes on with the bytes that follow. */
export interface VerifierState {
  readonly form: ListForm;
  readonly banks: readonly HashName[];
  readonly totals: TotalsState;
  /** Of a record that is not whole yet. */
  readonly rest: Uint8Array;
  /** On which that record begins, of an ascii list. */
  readonly line: number;
}

/**
 * Verifies a list as its bytes come, in constant memory: reads each entry as strictly as `parseBinaryList` and
 * `parseAsciiList`, recomputes its template digest, and replays every PCR by each rule that a kernel may have followed.
 */
export class ListVerifier {
  readonly #form: ListForm;
  readonly #banks: readonly HashName[];
  readonly #digestBanks: readonly HashName[];
  readonly #digester: Digester;
  readonly #batch: Extensions;
  readonly #totals: ListTotals;
  /** Of a binary list. */
  readonly #held = new Held();
  readonly #ascii: AsciiEntries | undefined;

  /** @throws SystemError HASH-UNAVAILABLE */
  private constructor({ form, banks, totals, rest, line }: VerifierState, hasher: InPlaceHasher) {
    this.#form = form;
    this.#banks = banks;
    const computed = digestBanks(form.bank, banks, totals.lines);
    this.#digestBanks = computed;
    const sizes = computed.map((bank) => hashAlgorithm(bank).size);
    this.#digester = new Digester(form, computed, hasher);
    this.#batch = new Extensions(new ArrayBuffer(Extensions.bytesFor(BATCH, sizes)), sizes);
    this.#totals = new ListTotals(totals, banks, { digestBanks: computed, hasher });
    if (form.format === 'ascii') this.#ascii = new AsciiEntries(form, { ...this.#place, line });
    if (rest.length > 0) this.push(rest);
  }

  static begin(options: VerifyOptions, hasher: InPlaceHasher): ListVerifier {
    return new ListVerifier(initialState(options), hasher);
  }

  static resume(state: VerifierState, hasher: InPlaceHasher): ListVerifier {
    return new ListVerifier(state, hasher);
  }

  get report(): ListReport {
    return this.#totals.report;
  }

  get entries(): number {
    return this.#totals.entries;
  }

  /** That the entries take. */
  get bytes(): number {
    return this.#totals.bytes;
  }

  /** Banks whose digests a batch has that is added. */
  get digestBanks(): readonly HashName[] {
    return this.#digestBanks;
  }

  get state(): VerifierState {
    const rest = this.#ascii?.rest ?? { bytes: this.#held.bytes.slice(), line: 1 };
    return { form: this.#form, banks: this.#banks, totals: this.#totals.state, rest: rest.bytes, line: rest.line };
  }

  /**
   * Verifies what these bytes make whole.
   * @throws FormatError with entry number and offset in the list; after it the verifier is of no use
   */
  push(bytes: Uint8Array): void {
    if (this.#ascii === undefined) this.#pushBinary(bytes);
    else this.#take(this.#ascii.push(bytes));
  }

  /** To be called when there are no more bytes. @throws FormatError BYTES-TRUNCATED where the last record is cut short */
  end(): void {
    if (this.#ascii === undefined) this.#parse('refuse');
    else this.#take(this.#ascii.end());
  }

  /** Adds entries that follow, where a `Digester` took them from the list in another thread and nothing is held here. */
  add(batch: Extensions): void {
    this.#totals.add(batch);
  }

  get #place(): { readonly entry: number; readonly offset: number } {
    return { entry: this.#totals.entries + 1, offset: this.#totals.bytes };
  }

  #pushBinary(bytes: Uint8Array): void {
    this.#held.append(bytes);
    const { bytes: held } = this.#held;
    const list = new DataView(held.buffer, held.byteOffset, held.length);
    let taken = 0;
    let refused = false;
    do {
      refused = this.#digester.records(list, { from: taken, end: held.length, number: this.#place.entry }, this.#batch);
      this.#totals.add(this.#batch);
      taken += this.#batch.consumed;
    } while (this.#batch.entries > 0);
    this.#held.shift(taken);
    if (refused) this.#parse('leave');
  }

  /** What the digester has left. */
  #parse(incompleteTail: 'leave' | 'refuse'): void {
    const { entry: firstEntry, offset: firstOffset } = this.#place;
    const options = { ...this.#form, firstEntry, firstOffset, incompleteTail };
    const { entries, consumed } = parseBinaryList(this.#held.bytes, options);
    this.#take(entries);
    this.#held.shift(consumed);
  }

  #take(entries: readonly MeasurementEntry[]): void {
    for (let taken = 0; taken < entries.length; taken += this.#batch.entries) {
      this.#digester.entries(entries.slice(taken, taken + BATCH), this.#batch);
      this.#totals.add(this.#batch);
    }
  }
}

function initialState({ form, banks = [form.bank], expected = [], start = NOTHING }: VerifyOptions): VerifierState {
  const { entries, bytes, violations } = start;
  const counts = { entries, bytes, violations, templates: new Map<string, number>(), forged: 0 };
  const totals = { ...counts, forgedEntries: [], bootAggregates: [], lines: firstLines(banks, expected, start) };
  return { form, banks, totals, rest: new Uint8Array(0), line: 1 };
}

const NOTHING: ListStart = { entries: 0, bytes: 0, violations: 0, values: new Map() };

/** The PCRs that are expected, and those that are known not to begin with zeros. */
function firstLines(banks: readonly HashName[], expected: readonly ExpectedPcr[], { values }: ListStart): LineState[] {
  const others = [...values.keys()].flatMap((pcr) => banks.map((bank) => ({ pcr, bank })));
  const unexpected = others.filter((one) => !expected.some(({ pcr, bank }) => pcr === one.pcr && bank === one.bank));
  return [...expected, ...unexpected].map((pcr) => lineFrom(newLine(pcr), values.get(pcr.pcr)?.get(pcr.bank)));
}

function lineFrom(line: LineState, value: Uint8Array | undefined): LineState {
  if (value === undefined) return line;
  const padded = line.padded.map((track) => ({ ...track, value }));
  return { ...line, own: { ...line.own, value }, padded };
}

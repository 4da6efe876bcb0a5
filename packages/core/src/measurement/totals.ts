import { FormatError } from '../errors/index.ts';
import { hashAlgorithm, type HashName, type InPlaceHasher } from '../hash/index.ts';
import { PcrChain, resultOf, type LineState } from './chain.ts';
import type { FileDigest } from './entry.ts';
import { EXTENSION_PREFIX, FORGED, VIOLATION, type Extensions } from './extensions.ts';
import type { ReplayResult } from './replay.ts';

/** Forged entries that are kept with their place; all are counted. */
const FORGED_KEPT = 1000;
/** A machine has the built-in templates and a custom one; this is for lists made to fill memory. */
const TEMPLATES_LIMIT = 1000;
/** A list grows by one with each kexec. */
const BOOTS_LIMIT = 1000;

/** Where an entry is whose recorded template digest is not that of its data. */
export interface ForgedEntry {
  readonly entry: number;
  /** Of its first byte in the list. */
  readonly offset: number;
}

/** What the first entry of a boot says of the PCRs that the firmware extended. */
export interface BootAggregate extends ForgedEntry {
  readonly digest: FileDigest;
}

/** What a list that is read so far says. */
export interface ListReport {
  readonly entries: number;
  /** That the entries take. */
  readonly bytes: number;
  readonly violations: number;
  /** How often each occurs. */
  readonly templates: ReadonlyMap<string, number>;
  readonly forged: number;
  /** The first thousand of them. */
  readonly forgedEntries: readonly ForgedEntry[];
  /** One for each boot: a list that was carried over a kexec has several. */
  readonly bootAggregates: readonly BootAggregate[];
  /** One for each PCR that is expected, then one for each other that occurred, in each bank that is replayed. */
  readonly pcrs: readonly ReplayResult[];
}

export interface TotalsState extends Omit<ListReport, 'pcrs'> {
  readonly lines: readonly LineState[];
}

/** Banks in which template digests are computed: that of the list first, then all that PCRs are replayed by. */
export function digestBanks(listBank: HashName, banks: readonly HashName[], lines: readonly LineState[]): HashName[] {
  const all = [listBank, ...banks, ...lines.map(({ bank }) => bank)];
  const padded = lines.some((line) => line.padded.length > 0);
  return [...new Set<HashName>(padded ? [...all, 'sha1'] : all)];
}

/** The part of the work that is done in the order of the list: counts, and the replay of PCRs. */
export class ListTotals {
  readonly #chain: PcrChain;
  readonly #templates: Map<string, number>;
  readonly #forgedEntries: ForgedEntry[];
  readonly #bootAggregates: BootAggregate[];
  #entries: number;
  #bytes: number;
  #violations: number;
  #forged: number;

  constructor(
    state: TotalsState,
    banks: readonly HashName[],
    given: { readonly digestBanks: readonly HashName[]; readonly hasher: InPlaceHasher },
  ) {
    const offsets = new Map<HashName, number>();
    let offset = 0;
    for (const bank of given.digestBanks) {
      offsets.set(bank, offset);
      offset += hashAlgorithm(bank).size;
    }
    this.#chain = new PcrChain(state.lines, banks, { hasher: given.hasher, offsets });
    this.#templates = new Map(state.templates);
    this.#forgedEntries = [...state.forgedEntries];
    this.#bootAggregates = [...state.bootAggregates];
    this.#entries = state.entries;
    this.#bytes = state.bytes;
    this.#violations = state.violations;
    this.#forged = state.forged;
  }

  get entries(): number {
    return this.#entries;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get state(): TotalsState {
    return {
      entries: this.#entries,
      bytes: this.#bytes,
      violations: this.#violations,
      templates: new Map(this.#templates),
      forged: this.#forged,
      forgedEntries: [...this.#forgedEntries],
      bootAggregates: [...this.#bootAggregates],
      lines: this.#chain.states,
    };
  }

  get report(): ListReport {
    const { lines, ...counts } = this.state;
    const told = lines.filter((line) => line.extends > 0 || line.expected !== undefined);
    return { ...counts, pcrs: told.map(resultOf) };
  }

  /** Adds the batch of entries that follows. @throws FormatError LIST-TEMPLATE, BYTES-LIMIT */
  add(batch: Extensions): void {
    const { entries, stride, values, starts } = batch;
    for (const [name, count] of batch.templates()) this.#countTemplate(name, count);
    for (const [index, digest] of batch.aggregates()) {
      this.#keepAggregate({ entry: this.#entries + index + 1, offset: this.#bytes + (starts[index] ?? 0), digest });
    }
    for (let index = 0; index < entries; index++) {
      const at = index * stride;
      const flags = values.getUint8(at + 1);
      this.#entries++;
      if (flags !== 0) this.#note(flags, this.#bytes + (starts[index] ?? 0));
      const violation = (flags & VIOLATION) !== 0;
      this.#chain.extend(values.getUint8(at), values, at + EXTENSION_PREFIX, violation, this.#entries);
    }
    this.#bytes += batch.consumed;
  }

  #countTemplate(name: string, count: number): void {
    const before = this.#templates.get(name) ?? 0;
    if (before === 0 && this.#templates.size === TEMPLATES_LIMIT) {
      throw new FormatError('LIST-TEMPLATE', `the list has more than ${TEMPLATES_LIMIT} different templates`);
    }
    this.#templates.set(name, before + count);
  }

  #keepAggregate(aggregate: BootAggregate): void {
    if (this.#bootAggregates.length === BOOTS_LIMIT) {
      throw new FormatError('BYTES-LIMIT', `the list has more than ${BOOTS_LIMIT} entries boot_aggregate`);
    }
    this.#bootAggregates.push(aggregate);
  }

  #note(flags: number, offset: number): void {
    if ((flags & VIOLATION) !== 0) this.#violations++;
    if ((flags & FORGED) === 0) return;
    this.#forged++;
    if (this.#forgedEntries.length < FORGED_KEPT) this.#forgedEntries.push({ entry: this.#entries, offset });
  }
}

import { digestText, entryKind, filenameHint, type MeasurementEntry } from '@assay/core/measurement';
import { kernelMemory } from './kernel-memory.ts';
import { Relation, type Many } from './relation.ts';
import { Greatest, Tally, type Counted } from './tally.ts';

/** Names that are counted each for itself, and pairs of digest and name that are compared. */
const LIMITS = { templates: 1000, directories: 50_000, pairs: 250_000 } as const;
/** Not a directory: what is measured by the name of an event. */
export const EVENTS = '(events)';

export interface Large {
  readonly entry: number;
  readonly bytes: number;
  readonly template: string;
  readonly filenameHint: string;
}

/** What one kernel added: from one boot_aggregate to the next. */
export interface Boot {
  readonly firstEntry: number;
  entries: number;
  bytes: number;
  kernelMemory: number;
}

export interface Statistics {
  readonly entries: number;
  readonly bytes: number;
  readonly kernelMemory: number;
  readonly boots: readonly Boot[];
  readonly kinds: readonly Counted[];
  readonly pcrs: readonly Counted[];
  readonly templates: Ranking;
  readonly algorithms: readonly Counted[];
  readonly directories: Ranking;
  readonly signed: { readonly files: number; readonly signed: number; readonly withSignatureField: number };
  readonly violations: { readonly total: number; readonly measuredBefore: number; readonly notMeasuredBefore: number };
  readonly largest: readonly Large[];
  readonly duplicates: Duplicates;
}

/** The first few, of how many, and what was counted without its name. */
export interface Ranking {
  readonly names: number;
  readonly top: readonly Counted[];
  readonly others: { readonly entries: number; readonly bytes: number };
}

export interface Duplicates {
  /** Whether all entries could be compared; else the first of the list alone were. */
  readonly complete: boolean;
  /** Files whose digest and name an earlier entry has. */
  readonly repeated: number;
  readonly digestsOfManyNames: { readonly total: number; readonly top: readonly Many[] };
  readonly namesOfManyDigests: { readonly total: number; readonly top: readonly Many[] };
}

export interface StatisticsOptions {
  /** Components of a directory that are told apart. */
  readonly depth: number;
  /** Rows of each ranking. */
  readonly top: number;
}

/** Counts over a list as it streams by, in bounded memory. */
export class ListStatistics {
  readonly #options: StatisticsOptions;
  readonly #kinds = new Tally(LIMITS.templates);
  readonly #pcrs = new Tally(LIMITS.templates);
  readonly #templates = new Tally(LIMITS.templates);
  readonly #algorithms = new Tally(LIMITS.templates);
  readonly #directories = new Tally(LIMITS.directories);
  readonly #largest: Greatest<Large>;
  readonly #namesOfDigest = new Relation(LIMITS.pairs);
  readonly #digestsOfName = new Relation(LIMITS.pairs);
  readonly #boots: Boot[] = [];
  readonly #signed = { files: 0, signed: 0, withSignatureField: 0 };
  readonly #violations = { total: 0, measuredBefore: 0, notMeasuredBefore: 0 };
  #repeated = 0;

  constructor(options: StatisticsOptions) {
    this.#options = options;
    this.#largest = new Greatest(options.top, ({ bytes }) => bytes);
  }

  add(entry: MeasurementEntry): void {
    const kind = entryKind(entry);
    const name = filenameHint(entry.fields);
    const bytes = entry.length;
    this.#grow(entry, kind === 'boot-aggregate');
    this.#kinds.add(kind, bytes);
    this.#pcrs.add(String(entry.pcr), bytes);
    this.#templates.add(entry.template, bytes);
    this.#directories.add(directoryOf(name, this.#options.depth), bytes);
    this.#largest.add({ entry: entry.number, bytes, template: entry.template, filenameHint: name });
    if (kind === 'violation') return this.#violate(name);
    this.#algorithms.add(digestText(entry.fields.digest).split(':')[0] || 'none', bytes);
    if (kind !== 'file') return;
    this.#sign(entry);
    this.#compare(name, digestText(entry.fields.digest));
  }

  result(): Statistics {
    const { top } = this.#options;
    const sum = (of: (boot: Boot) => number): number => this.#boots.reduce((total, boot) => total + of(boot), 0);
    return {
      entries: sum(({ entries }) => entries),
      bytes: sum(({ bytes }) => bytes),
      kernelMemory: sum((boot) => boot.kernelMemory),
      boots: this.#boots,
      kinds: this.#kinds.top(top),
      pcrs: this.#pcrs.top(LIMITS.templates),
      templates: ranking(this.#templates, top),
      algorithms: this.#algorithms.top(LIMITS.templates),
      directories: ranking(this.#directories, top),
      signed: this.#signed,
      violations: this.#violations,
      largest: this.#largest.list,
      duplicates: this.#duplicates(top),
    };
  }

  #grow(entry: MeasurementEntry, begins: boolean): void {
    let boot = this.#boots.at(-1);
    if (boot === undefined || (begins && entry.number > 1)) {
      boot = { firstEntry: entry.number, entries: 0, bytes: 0, kernelMemory: 0 };
      this.#boots.push(boot);
    }
    boot.entries++;
    boot.bytes += entry.length;
    boot.kernelMemory += kernelMemory(entry);
  }

  /** The entry does not say what happened; whether the file was measured before is what can be told. */
  #violate(name: string): void {
    this.#violations.total++;
    if (this.#digestsOfName.has(name)) this.#violations.measuredBefore++;
    else this.#violations.notMeasuredBefore++;
  }

  #sign({ fields: { signature, evmSignature, modsig } }: MeasurementEntry): void {
    const fields = [signature, evmSignature, modsig].filter((field) => field !== undefined);
    this.#signed.files++;
    if (fields.length > 0) this.#signed.withSignatureField++;
    if (fields.some((field) => field.length > 0)) this.#signed.signed++;
  }

  #compare(name: string, digest: string): void {
    if (this.#namesOfDigest.add(digest, name)) this.#repeated++;
    this.#digestsOfName.add(name, digest);
  }

  #duplicates(top: number): Duplicates {
    return {
      complete: this.#namesOfDigest.complete && this.#digestsOfName.complete,
      repeated: this.#repeated,
      digestsOfManyNames: this.#namesOfDigest.many(top),
      namesOfManyDigests: this.#digestsOfName.many(top),
    };
  }
}

function ranking(tally: Tally, top: number): Ranking {
  return { names: tally.names, top: tally.top(top), others: tally.others };
}

function directoryOf(name: string, depth: number): string {
  if (!name.startsWith('/')) return EVENTS;
  const components = name.split('/').slice(1, -1).slice(0, depth);
  return `/${components.join('/')}`;
}

import type { Hasher } from '../hash/index.ts';
import { digestText, entryKind, filenameHint, type MeasurementEntry } from '../measurement/index.ts';
import { ACCEPTED, decide, type DecisionStatus, type ReferenceValues } from '../reference/index.ts';
import { severityOfDecision } from './judge.ts';

/** A list that was recorded. */
export interface RecordedList {
  readonly host: string;
  readonly entries: Iterable<Pick<MeasurementEntry, 'fields' | 'violation'>>;
}

export type SimulatedVerdict = 'trusted' | 'warning' | 'failed' | 'unverified';

export interface SimulatedHost {
  readonly host: string;
  readonly before: SimulatedVerdict;
  readonly after: SimulatedVerdict;
  /** Entries that would become findings, and those that would be none any more. */
  readonly refused: number;
  readonly accepted: number;
}

/** An entry whose decision would be another one. */
export interface SimulatedChange {
  readonly digest: string;
  readonly path: string;
  readonly before: DecisionStatus | 'unjudged';
  readonly after: DecisionStatus;
  readonly hosts: readonly string[];
}

export interface Simulation {
  readonly hosts: readonly SimulatedHost[];
  /** Newly refused ones first. */
  readonly changes: readonly SimulatedChange[];
  /** Digests of each pool of the candidate that no list holds. */
  readonly unused: readonly { readonly pool: string; readonly digests: number; readonly of: number }[];
  /** Excludes that let entries through, and on how many hosts. */
  readonly excludes: readonly { readonly pattern: string; readonly entries: number; readonly hosts: number }[];
}

interface Options {
  /** The values in force; null where there are none. */
  readonly before: ReferenceValues | null;
  readonly after: ReferenceValues;
  readonly at: Date;
  readonly hasher: Hasher;
}

/** What a candidate would say of lists that were recorded, beside what is said of them now. */
export class Simulator {
  readonly #options: Options;
  readonly #hosts: SimulatedHost[] = [];
  readonly #changes = new Map<string, Omit<SimulatedChange, 'hosts'> & { readonly hosts: Set<string> }>();
  readonly #used = new Set<string>();
  readonly #holes = new Map<string, { entries: number; readonly hosts: Set<string> }>();

  constructor(options: Options) {
    this.#options = options;
  }

  add({ host, entries }: RecordedList): void {
    const tally = { before: new Set<string>(), after: new Set<string>(), refused: 0, accepted: 0 };
    for (const entry of entries) {
      const kind = entryKind(entry);
      if (kind !== 'file' && kind !== 'buffer') continue;
      const decided = this.#decide(host, entry);
      if (decided.before !== null) tally.before.add(decided.before);
      if (decided.after !== null) tally.after.add(decided.after);
      if (decided.before === null && decided.after !== null) tally.refused += 1;
      if (decided.before !== null && decided.after === null) tally.accepted += 1;
    }
    const before = this.#options.before === null ? 'unverified' : worst(tally.before);
    this.#hosts.push({ host, before, after: worst(tally.after), refused: tally.refused, accepted: tally.accepted });
  }

  result(): Simulation {
    const { document } = this.#options.after;
    const changes = Array.from(this.#changes.values(), (change) => ({ ...change, hosts: [...change.hosts] }));
    return {
      hosts: this.#hosts,
      changes: changes.toSorted((a, b) => Number(ACCEPTED.has(a.after)) - Number(ACCEPTED.has(b.after))),
      unused: document.pools.flatMap(({ id, digests }) => {
        const unused = digests.filter(({ digest }) => !this.#used.has(digest)).length;
        return unused === 0 ? [] : [{ pool: id, digests: unused, of: digests.length }];
      }),
      excludes: Array.from(this.#holes, ([pattern, { entries, hosts }]) => ({ pattern, entries, hosts: hosts.size })),
    };
  }

  #decide(host: string, entry: Pick<MeasurementEntry, 'fields'>) {
    const { before, after, at, hasher } = this.#options;
    const path = filenameHint(entry.fields);
    const digest = digestText(entry.fields.digest);
    const old = before === null ? null : decide(before, entry, hasher, at);
    const now = decide(after, entry, hasher, at);
    this.#used.add(digest);
    if (now.status === 'excluded') this.#count(now.exclude.pattern, host);
    const was = old?.status ?? 'unjudged';
    if (was !== now.status) this.#change({ digest, path, before: was, after: now.status }, host);
    return {
      before: old === null ? null : severityOfDecision(old.status, path),
      after: severityOfDecision(now.status, path),
    };
  }

  #count(pattern: string, host: string): void {
    const hole = this.#holes.get(pattern) ?? { entries: 0, hosts: new Set() };
    hole.entries += 1;
    hole.hosts.add(host);
    this.#holes.set(pattern, hole);
  }

  #change(change: Omit<SimulatedChange, 'hosts'>, host: string): void {
    if (change.before === 'unjudged' && ACCEPTED.has(change.after)) return;
    const key = `${change.digest} ${change.path} ${change.before}`;
    const known = this.#changes.get(key) ?? { ...change, hosts: new Set() };
    known.hosts.add(host);
    this.#changes.set(key, known);
  }
}

function worst(severities: ReadonlySet<string>): SimulatedVerdict {
  return severities.has('failed') ? 'failed' : severities.has('warning') ? 'warning' : 'trusted';
}

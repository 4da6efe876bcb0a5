import type { Hasher } from '../hash/index.ts';
import { digestText, entryKind, filenameHint, type MeasurementEntry } from '../measurement/index.ts';
import { ACCEPTED, decide, type Decision, type DecisionStatus, type ReferenceValues } from '../reference/index.ts';
import { causeOfChange } from './change-cause.ts';
import type { Severity } from './findings.ts';
import { severityOfDecision } from './judge.ts';

/** A list that was recorded. */
export interface RecordedList {
  readonly host: string;
  /** An earlier boot of the host, by the name that its list has; without it the present one. */
  readonly boot?: string;
  /** One that is in several lists may be one object: it is decided about once. */
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

/** How many hosts go from one verdict to another, or keep theirs. */
export interface SimulatedTurn {
  readonly before: SimulatedVerdict;
  readonly after: SimulatedVerdict;
  readonly hosts: number;
}

export interface SimulatedBoot extends SimulatedHost {
  readonly boot: string;
}

/** An entry whose decision would be another one. */
export interface SimulatedChange {
  readonly digest: string;
  readonly path: string;
  readonly before: DecisionStatus | 'unjudged';
  readonly after: DecisionStatus;
  /** Some of the hosts that have it, and how many there are. */
  readonly hosts: readonly string[];
  readonly hostsInAll: number;
}

/** Changes that come from one thing in the reference values. */
export interface SimulatedCause {
  /** What becomes of the entries: findings, none any more, or the same for another reason. */
  readonly effect: 'refused' | 'accepted' | 'other';
  /** One sentence. */
  readonly cause: string;
  /** Distinct entries, the paths of some of them, some of the hosts that have one, and how many there are. */
  readonly entries: number;
  readonly paths: readonly string[];
  readonly hosts: readonly string[];
  readonly hostsInAll: number;
}

/** What is longer than `SIMULATION_LIMIT` is cut: what changes comes before what does not. Counts are of all. */
export interface Simulation {
  readonly hosts: readonly SimulatedHost[];
  readonly hostsInAll: number;
  /** Of all hosts. */
  readonly turns: readonly SimulatedTurn[];
  /** Lists of earlier boots, where some were given. */
  readonly earlier: readonly SimulatedBoot[];
  readonly earlierInAll: number;
  /** How many of these would be judged otherwise. */
  readonly earlierTurned: number;
  /** Number of hosts of which something would change, in an earlier boot too. */
  readonly affected: number;
  /** Newly refused ones first, and of these the most. */
  readonly causes: readonly SimulatedCause[];
  readonly causesInAll: number;
  /** Newly refused ones first. */
  readonly changes: readonly SimulatedChange[];
  readonly changesInAll: number;
  /** Digests of each pool of the candidate that no list holds. */
  readonly unused: readonly { readonly pool: string; readonly digests: number; readonly of: number }[];
  /** Rules for paths of the candidate of whose digests no list holds one. */
  readonly unusedFiles: { readonly paths: number; readonly of: number };
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

type Entry = Pick<MeasurementEntry, 'fields' | 'violation'>;

/** What is said of an entry, whichever list it is in. */
interface Decided {
  readonly digest: string;
  readonly path: string;
  readonly old: Decision | null;
  readonly now: Decision;
  readonly before: Severity | null;
  readonly after: Severity | null;
}

type Change = Omit<SimulatedChange, 'hosts' | 'hostsInAll'> & {
  readonly hosts: string[];
  hostsInAll: number;
  last: string | undefined;
};

interface Cause {
  readonly effect: SimulatedCause['effect'];
  readonly cause: string;
  readonly entries: Set<string>;
  readonly paths: Set<string>;
  readonly hosts: Set<string>;
}

const PATHS = 5;
/** Hosts that are named of a cause, and of a change. */
const HOSTS_NAMED = 20;
/** Most hosts, earlier boots, causes and changes that are told one by one. */
export const SIMULATION_LIMIT = 1000;
const EFFECTS = ['refused', 'accepted', 'other'] as const;

/** What a candidate would say of lists that were recorded, beside what is said of them now. */
export class Simulator {
  readonly #options: Options;
  readonly #decided = new WeakMap<Entry, Decided | 'no file'>();
  readonly #hosts: SimulatedHost[] = [];
  readonly #earlier: SimulatedBoot[] = [];
  readonly #affected = new Set<string>();
  readonly #changes = new Map<string, Change>();
  readonly #causes = new Map<string, Cause>();
  readonly #used = new Set<string>();
  readonly #holes = new Map<string, { entries: number; readonly hosts: Set<string> }>();

  constructor(options: Options) {
    this.#options = options;
  }

  add({ host, boot, entries }: RecordedList): void {
    const tally = { before: new Set<string>(), after: new Set<string>(), refused: 0, accepted: 0 };
    for (const entry of entries) {
      const decided = this.#decide(entry);
      if (decided === 'no file') continue;
      this.#note(decided, host);
      if (decided.before !== null) tally.before.add(decided.before);
      if (decided.after !== null) tally.after.add(decided.after);
      if (decided.before === null && decided.after !== null) tally.refused += 1;
      if (decided.before !== null && decided.after === null) tally.accepted += 1;
    }
    const before = this.#options.before === null ? 'unverified' : worst(tally.before);
    const { refused, accepted } = tally;
    const simulated = { host, before, after: worst(tally.after), refused, accepted };
    if (refused + accepted > 0 || simulated.before !== simulated.after) this.#affected.add(host);
    if (boot === undefined) this.#hosts.push(simulated);
    else this.#earlier.push({ ...simulated, boot });
  }

  result(): Simulation {
    const causes = this.#causesInOrder();
    return {
      hosts: someOf(this.#hosts),
      hostsInAll: this.#hosts.length,
      turns: turnsOf(this.#hosts),
      earlier: someOf(this.#earlier),
      earlierInAll: this.#earlier.length,
      earlierTurned: this.#earlier.filter(isTurned).length,
      affected: this.#affected.size,
      causes: causes.slice(0, SIMULATION_LIMIT),
      causesInAll: causes.length,
      changes: this.#changesInOrder().slice(0, SIMULATION_LIMIT),
      changesInAll: this.#changes.size,
      ...this.#unused(),
      excludes: Array.from(this.#holes, ([pattern, { entries, hosts }]) => ({ pattern, entries, hosts: hosts.size })),
    };
  }

  #unused(): Pick<Simulation, 'unused' | 'unusedFiles'> {
    const { pools, files } = this.#options.after.document;
    const unused = pools.flatMap(({ id, digests }) => {
      const count = digests.filter(({ digest }) => !this.#used.has(digest)).length;
      return count === 0 ? [] : [{ pool: id, digests: count, of: digests.length }];
    });
    const paths = files.filter(({ digests }) => !digests.some((digest) => this.#used.has(digest))).length;
    return { unused, unusedFiles: { paths, of: files.length } };
  }

  #causesInOrder(): SimulatedCause[] {
    const causes = Array.from(this.#causes.values(), ({ effect, cause, entries, paths, hosts }) => ({
      effect,
      cause,
      entries: entries.size,
      paths: [...paths],
      hosts: [...hosts].slice(0, HOSTS_NAMED),
      hostsInAll: hosts.size,
    }));
    const rank = ({ effect }: SimulatedCause): number => EFFECTS.indexOf(effect);
    return causes.toSorted((a, b) => rank(a) - rank(b) || b.entries - a.entries);
  }

  #changesInOrder(): SimulatedChange[] {
    const changes = Array.from(this.#changes.values(), ({ last: _last, ...change }) => change);
    return changes.toSorted((a, b) => Number(ACCEPTED.has(a.after)) - Number(ACCEPTED.has(b.after)));
  }

  #decide(entry: Entry): Decided | 'no file' {
    const known = this.#decided.get(entry);
    if (known !== undefined) return known;
    const kind = entryKind(entry);
    const decided = kind === 'file' || kind === 'buffer' ? this.#decideAnew(entry) : 'no file';
    this.#decided.set(entry, decided);
    return decided;
  }

  #decideAnew(entry: Entry): Decided {
    const { before, after, at, hasher } = this.#options;
    const path = filenameHint(entry.fields);
    const old = before === null ? null : decide(before, entry, hasher, at);
    const now = decide(after, entry, hasher, at);
    const digest = digestText(entry.fields.digest);
    this.#used.add(digest);
    return {
      digest,
      path,
      old,
      now,
      before: old === null ? null : severityOfDecision(old.status, path),
      after: severityOfDecision(now.status, path),
    };
  }

  #note(decided: Decided, host: string): void {
    const { now, old } = decided;
    if (now.status === 'excluded') this.#count(now.exclude.pattern, host);
    if ((old?.status ?? 'unjudged') !== now.status) this.#change(decided, host);
  }

  #count(pattern: string, host: string): void {
    const hole = this.#holes.get(pattern) ?? { entries: 0, hosts: new Set() };
    hole.entries += 1;
    hole.hosts.add(host);
    this.#holes.set(pattern, hole);
  }

  #change({ digest, path, old, now }: Decided, host: string): void {
    const before = old?.status ?? 'unjudged';
    if (before === 'unjudged' && ACCEPTED.has(now.status)) return;
    const key = `${digest} ${path} ${before}`;
    const known = this.#changes.get(key) ?? {
      digest,
      path,
      before,
      after: now.status,
      hosts: [],
      hostsInAll: 0,
      last: undefined,
    };
    this.#changes.set(key, known);
    countHost(known, host);
    const { effect, cause } = causeOfChange(old, now);
    const group = this.#causes.get(`${effect} ${cause}`) ?? {
      effect,
      cause,
      entries: new Set(),
      paths: new Set(),
      hosts: new Set(),
    };
    group.entries.add(key);
    group.hosts.add(host);
    if (group.paths.size < PATHS) group.paths.add(path);
    this.#causes.set(`${effect} ${cause}`, group);
  }
}

/** Lists of a host come one after the other; a set of each change would take as much memory as all lists. */
function countHost(change: Change, host: string): void {
  if (change.last === host) return;
  change.last = host;
  change.hostsInAll += 1;
  if (change.hosts.length < HOSTS_NAMED) change.hosts.push(host);
}

function isTurned({ before, after }: SimulatedHost): boolean {
  return before !== after;
}

/** In their order; where not all are told, those that change. */
function someOf<Simulated extends SimulatedHost>(all: readonly Simulated[]): readonly Simulated[] {
  if (all.length <= SIMULATION_LIMIT) return all;
  const rank = (one: Simulated): number => (isTurned(one) ? 0 : one.refused + one.accepted > 0 ? 1 : 2);
  return all.toSorted((a, b) => rank(a) - rank(b)).slice(0, SIMULATION_LIMIT);
}

function turnsOf(hosts: readonly SimulatedHost[]): SimulatedTurn[] {
  const turns = new Map<string, { before: SimulatedVerdict; after: SimulatedVerdict; hosts: number }>();
  for (const { before, after } of hosts) {
    const turn = turns.get(`${before} ${after}`) ?? { before, after, hosts: 0 };
    turn.hosts += 1;
    turns.set(`${before} ${after}`, turn);
  }
  return [...turns.values()];
}

function worst(severities: ReadonlySet<string>): SimulatedVerdict {
  return severities.has('failed') ? 'failed' : severities.has('warning') ? 'warning' : 'trusted';
}

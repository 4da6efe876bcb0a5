import { setImmediate as yieldToOthers } from 'node:timers/promises';
import type { Context } from '../context.ts';
import { decodeIds } from '../store/ids.ts';
import { presentArrivals, type PresentArrival } from '../store/present.ts';

/** How many hosts have an entry in their present boot. */
export interface EntryCount {
  readonly entry: number;
  readonly hosts: number;
  /** Names of some of them. */
  readonly some: readonly string[];
  /** Milliseconds since 1970. */
  readonly firstSeen: number;
}

export interface Counted {
  readonly hosts: number;
  readonly at: Date;
  /** The rarest first, and of those the newest. */
  readonly rareFirst: readonly EntryCount[];
}

/** So old may an answer be: lists of a large fleet are not read for each request. */
const LASTS_MILLISECONDS = 15_000;
/** It lasts so many times as long as it took, so that whoever looks costs a twentieth of a core at most. */
const LASTS_TIMES = 20;
const NAMES = 3;

/** Counts in which present boots each entry is; what it counted last answers for a while. */
export class Prevalence {
  readonly #context: Pick<Context, 'database' | 'now'>;
  #counting: Promise<Counted> | undefined;
  #until = 0;

  constructor(context: Pick<Context, 'database' | 'now'>) {
    this.#context = context;
  }

  async counted(): Promise<Counted> {
    if (this.#counting !== undefined && performance.now() < this.#until) return this.#counting;
    const began = performance.now();
    this.#until = Infinity;
    this.#counting = this.#count();
    try {
      const counted = await this.#counting;
      const took = performance.now() - began;
      this.#until = performance.now() + Math.max(LASTS_MILLISECONDS, LASTS_TIMES * took);
      return counted;
    } catch (error) {
      this.#counting = undefined;
      throw error;
    }
  }

  async #count(): Promise<Counted> {
    const at = this.#context.now();
    const tally = new Tally();
    for await (const arrivals of presentArrivals(this.#context.database)) {
      for (const arrival of arrivals) tally.add(arrival);
      await yieldToOthers();
    }
    return { hosts: tally.hosts, at, rareFirst: tally.rareFirst() };
  }
}

class Tally {
  readonly #counts = new Map<number, { hosts: number; some: string[]; firstSeen: number; boot: number }>();
  #boot = -1;
  hosts = 0;

  /** Arrivals of one boot have to come one after the other. */
  add({ host, boot, receivedAt, ids }: PresentArrival): void {
    if (boot !== this.#boot) this.hosts += 1;
    this.#boot = boot;
    const at = Date.parse(receivedAt);
    for (const entry of decodeIds(ids)) {
      const known = this.#counts.get(entry);
      if (known === undefined) this.#counts.set(entry, { hosts: 1, some: [host], firstSeen: at, boot });
      else if (known.boot !== boot) {
        known.hosts += 1;
        known.boot = boot;
        known.firstSeen = Math.min(known.firstSeen, at);
        if (known.some.length < NAMES) known.some.push(host);
      }
    }
  }

  rareFirst(): EntryCount[] {
    const all = Array.from(this.#counts, ([entry, { hosts, some, firstSeen }]) => ({ entry, hosts, some, firstSeen }));
    return all.toSorted((a, b) => a.hosts - b.hosts || b.entry - a.entry);
  }
}

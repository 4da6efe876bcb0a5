import { Greatest } from './tally.ts';

/** A left with many rights. */
export interface Many {
  readonly name: string;
  readonly count: number;
  /** The first few. */
  readonly some: readonly string[];
}

const SOME = 5;

/** Which lefts have which rights, for as many pairs as the limit; pairs after that are not looked at. */
export class Relation {
  readonly #limit: number;
  /** One right as it is, more in a set: most have one. */
  readonly #rights = new Map<string, string | Set<string>>();
  #pairs = 0;
  #complete = true;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Whether every pair found room. */
  get complete(): boolean {
    return this.#complete;
  }

  /** @returns whether the pair was there before; false when there is no room any more */
  add(left: string, right: string): boolean {
    if (!this.#complete) return false;
    const known = this.#rights.get(left);
    if (known === right || (known instanceof Set && known.has(right))) return true;
    if (this.#pairs >= this.#limit) {
      this.#complete = false;
      return false;
    }
    this.#pairs++;
    if (known instanceof Set) known.add(right);
    else this.#rights.set(left, known === undefined ? right : new Set([known, right]));
    return false;
  }

  has(left: string): boolean {
    return this.#rights.has(left);
  }

  /** How many lefts have more than one right, and those that have the most. */
  many(count: number): { readonly total: number; readonly top: readonly Many[] } {
    const greatest = new Greatest<[string, Set<string>]>(count, ([, rights]) => rights.size);
    let total = 0;
    for (const [left, rights] of this.#rights) {
      if (!(rights instanceof Set)) continue;
      total++;
      greatest.add([left, rights]);
    }
    const top = greatest.list.map(([name, set]) => ({ name, count: set.size, some: [...set].slice(0, SOME) }));
    return { total, top };
  }
}

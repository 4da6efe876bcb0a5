/** How often, and how many bytes. */
export interface Amount {
  entries: number;
  bytes: number;
}

export interface Counted extends Readonly<Amount> {
  readonly name: string;
}

/** Counts by name, exactly for as many names as the limit; all others together, so that the memory is bounded. */
export class Tally {
  readonly #limit: number;
  readonly #amounts = new Map<string, Amount>();
  readonly #others: Amount = { entries: 0, bytes: 0 };

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(name: string, bytes: number): void {
    const amount = this.#amountOf(name);
    amount.entries++;
    amount.bytes += bytes;
  }

  /** Those with the most entries, then by name. */
  top(count: number): Counted[] {
    return Array.from(this.#amounts, ([name, amount]) => ({ name, ...amount }))
      .toSorted((a, b) => b.entries - a.entries || (a.name < b.name ? -1 : 1))
      .slice(0, count);
  }

  get names(): number {
    return this.#amounts.size;
  }

  /** What was counted without its name, for want of room. */
  get others(): Readonly<Amount> {
    return this.#others;
  }

  #amountOf(name: string): Amount {
    const known = this.#amounts.get(name);
    if (known !== undefined) return known;
    if (this.#amounts.size >= this.#limit) return this.#others;
    const fresh = { entries: 0, bytes: 0 };
    this.#amounts.set(name, fresh);
    return fresh;
  }
}

/** The greatest few of many, in memory for these alone. */
export class Greatest<T> {
  readonly #count: number;
  readonly #sizeOf: (one: T) => number;
  readonly #kept: T[] = [];

  constructor(count: number, sizeOf: (one: T) => number) {
    this.#count = count;
    this.#sizeOf = sizeOf;
  }

  /** Of equal ones those that came first stay. */
  add(one: T): void {
    const last = this.#kept.at(-1);
    if (this.#kept.length >= this.#count && last !== undefined && this.#sizeOf(last) >= this.#sizeOf(one)) return;
    const place = this.#kept.findIndex((kept) => this.#sizeOf(kept) < this.#sizeOf(one));
    this.#kept.splice(place < 0 ? this.#kept.length : place, 0, one);
    this.#kept.length = Math.min(this.#kept.length, this.#count);
  }

  get list(): readonly T[] {
    return this.#kept;
  }
}

import { fromHex } from '../bytes/index.ts';

const EMPTY = 0;
/** Of 32 bits, so that a table never is more than half full. */
const SPARE = 2;

/**
 * Distinct digests of one algorithm, numbered in the order in which they came. The bytes lie one after the other and are
 * found by their first four, which are as good as random: the same work whatever the size, and no object per digest.
 */
class AlgorithmTable {
  readonly #size: number;
  #bytes: Uint8Array;
  /** Number of a digest in the table plus 1. */
  #slots: Uint32Array;
  #numbers: Uint32Array;
  #count = 0;

  constructor(size: number, expected: number) {
    this.#size = size;
    this.#bytes = new Uint8Array(size * expected);
    this.#numbers = new Uint32Array(expected);
    this.#slots = new Uint32Array(slotsFor(expected));
  }

  find(digest: Uint8Array): number | undefined {
    const at = this.#slots[this.#slotOf(digest)] ?? EMPTY;
    return at === EMPTY ? undefined : this.#numbers[at - 1];
  }

  /** @returns the number that the digest has already, else `number` */
  add(digest: Uint8Array, number: number): number {
    const known = this.find(digest);
    if (known !== undefined) return known;
    if (this.#count === this.#numbers.length) this.#grow();
    this.#bytes.set(digest, this.#count * this.#size);
    this.#numbers[this.#count] = number;
    this.#count += 1;
    this.#slots[this.#slotOf(digest)] = this.#count;
    return number;
  }

  /** Where the digest is, or the free place where it would be. */
  #slotOf(digest: Uint8Array): number {
    const mask = this.#slots.length - 1;
    for (let slot = head(digest, 0) & mask; ; slot = (slot + 1) & mask) {
      const at = this.#slots[slot] ?? EMPTY;
      if (at === EMPTY || this.#isAt(digest, (at - 1) * this.#size)) return slot;
    }
  }

  #isAt(digest: Uint8Array, start: number): boolean {
    for (let index = 0; index < this.#size; index += 1) {
      if (this.#bytes[start + index] !== digest[index]) return false;
    }
    return true;
  }

  #grow(): void {
    const most = Math.max(16, this.#count * 2);
    const [bytes, numbers] = [this.#bytes, this.#numbers];
    this.#bytes = new Uint8Array(this.#size * most);
    this.#bytes.set(bytes);
    this.#numbers = new Uint32Array(most);
    this.#numbers.set(numbers);
    this.#slots = new Uint32Array(slotsFor(most));
    for (let index = 0; index < this.#count; index += 1) {
      const start = index * this.#size;
      this.#slots[this.#slotOf(this.#bytes.subarray(start, start + this.#size))] = index + 1;
    }
  }
}

function slotsFor(expected: number): number {
  let slots = 32;
  while (slots < expected * SPARE) slots *= 2;
  return slots;
}

function head(digest: Uint8Array, at: number): number {
  return (
    (((digest[at] ?? 0) << 24) |
      ((digest[at + 1] ?? 0) << 16) |
      ((digest[at + 2] ?? 0) << 8) |
      (digest[at + 3] ?? 0)) >>>
    0
  );
}

const TEXT = /^([a-z0-9-]{1,32}):((?:[0-9a-f]{2}){1,64})$/;

/** Distinct digests of all algorithms and types, each with a number from 0 on. */
export class DigestTable {
  readonly #tables = new Map<string, AlgorithmTable>();
  readonly #expected: number;
  #size = 0;

  /** @param expected how many there will be, as far as one knows */
  constructor(expected = 0) {
    this.#expected = expected;
  }

  get size(): number {
    return this.#size;
  }

  /** @param text as `digestText` gives it */
  find(text: string): number | undefined {
    const [, algorithm = '', hex = ''] = TEXT.exec(text) ?? [];
    return hex === '' ? undefined : this.#tables.get(`${algorithm}/${hex.length}`)?.find(fromHex(hex));
  }

  /** @returns the number of the digest, which may be there already; undefined for what is no digest */
  add(text: string): number | undefined {
    const [, algorithm = '', hex = ''] = TEXT.exec(text) ?? [];
    if (hex === '') return undefined;
    const number = this.#table(`${algorithm}/${hex.length}`, hex.length / 2).add(fromHex(hex), this.#size);
    if (number === this.#size) this.#size += 1;
    return number;
  }

  #table(name: string, size: number): AlgorithmTable {
    const known = this.#tables.get(name);
    if (known !== undefined) return known;
    // The first algorithm is that of nearly all.
    const made = new AlgorithmTable(size, this.#tables.size === 0 ? this.#expected : 0);
    this.#tables.set(name, made);
    return made;
  }
}

import { itemKey, type Comparable, type Item, type Side } from './side.ts';

/**
 * - `only-a`, `only-b`: neither this name nor this digest is on the other side;
 * - `other-digest`: the name is on both sides, with digests that the other does not have for it;
 * - `other-algorithm`: likewise, but by other algorithms, so that the files may be the same;
 * - `other-name`: the digest is on both sides, under names that the other does not have.
 */
export type Change = 'only-a' | 'only-b' | 'other-digest' | 'other-algorithm' | 'other-name';

export interface Difference {
  readonly change: Change;
  readonly kind: Comparable;
  /** Absent where the side has none. */
  readonly nameA?: string;
  readonly nameB?: string;
  /** Of a name on both sides, those that the other does not have for it. */
  readonly digestsA: readonly string[];
  readonly digestsB: readonly string[];
}

export interface Comparison {
  /** Items on both sides. */
  readonly same: number;
  readonly differences: readonly Difference[];
}

/** Compares by digest and by name. */
export function compareSides(a: Side, b: Side): Comparison {
  const [restA, restB] = [missing(a, b), missing(b, a)];
  const [indexA, indexB] = [new Index(a.items.values()), new Index(b.items.values())];
  const changed = changedNames(restA, restB, indexA, indexB);
  const differences = [
    ...restA.flatMap((item) => oneSided(item, 'a', indexB)),
    ...restB.flatMap((item) => oneSided(item, 'b', indexA)),
    ...changed,
    ...movedNames(restA, restB, indexA, indexB),
  ];
  return { same: a.items.size - restA.length, differences };
}

function missing({ items }: Side, other: Side): Item[] {
  return [...items].filter(([key]) => !other.items.has(key)).map(([, item]) => item);
}

/** Items by their name and by their digest, within each kind. */
class Index {
  readonly #named = new Set<string>();
  readonly #nameOf = new Map<string, string>();

  constructor(items: Iterable<Item>) {
    for (const item of items) {
      this.#named.add(nameKey(item));
      const digest = digestKey(item);
      if (item.digest !== '' && !this.#nameOf.has(digest)) this.#nameOf.set(digest, item.name);
    }
  }

  hasName(item: Item): boolean {
    return this.#named.has(nameKey(item));
  }

  /** The first name of this digest. */
  nameOf(item: Item): string | undefined {
    return this.#nameOf.get(digestKey(item));
  }
}

const nameKey = ({ kind, name }: Item): string => `${kind}\0${name}`;
const digestKey = ({ kind, digest }: Item): string => `${kind}\0${digest}`;

function oneSided(item: Item, side: 'a' | 'b', other: Index): Difference[] {
  if (other.hasName(item) || other.nameOf(item) !== undefined) return [];
  const { kind, name } = item;
  const digests = item.digest === '' ? [] : [item.digest];
  return side === 'a'
    ? [{ change: 'only-a', kind, nameA: name, digestsA: digests, digestsB: [] }]
    : [{ change: 'only-b', kind, nameB: name, digestsA: [], digestsB: digests }];
}

function changedNames(restA: readonly Item[], restB: readonly Item[], a: Index, b: Index): Difference[] {
  const named = new Map<string, { readonly item: Item; readonly digestsA: string[]; readonly digestsB: string[] }>();
  const collect = (rest: readonly Item[], other: Index, side: 'digestsA' | 'digestsB'): void => {
    for (const item of rest) {
      if (!other.hasName(item)) continue;
      const key = nameKey(item);
      const known = named.get(key) ?? { item, digestsA: [], digestsB: [] };
      known[side].push(item.digest);
      named.set(key, known);
    }
  };
  collect(restA, b, 'digestsA');
  collect(restB, a, 'digestsB');
  return Array.from(named.values(), ({ item: { kind, name }, digestsA, digestsB }) => {
    const change = comparableDigests(digestsA, digestsB) ? 'other-digest' : 'other-algorithm';
    return { change, kind, nameA: name, nameB: name, digestsA, digestsB };
  });
}

/** Digests say that contents differ only where both sides have one of the same algorithm. */
function comparableDigests(a: readonly string[], b: readonly string[]): boolean {
  if (a.length === 0 || b.length === 0) return true;
  const algorithms = new Set(a.map(algorithmOf));
  return b.some((digest) => algorithms.has(algorithmOf(digest)));
}

function algorithmOf(digest: string): string {
  return digest.slice(0, digest.indexOf(':'));
}

/** Names that one side alone has, of digests that both have; each pair once. */
function movedNames(restA: readonly Item[], restB: readonly Item[], a: Index, b: Index): Difference[] {
  const moved = new Map<string, Difference>();
  const add = ({ kind, digest }: Item, nameA: string, nameB: string): void => {
    const pair = itemKey({ kind, digest, name: `${nameA}\0${nameB}` });
    moved.set(pair, { change: 'other-name', kind, nameA, nameB, digestsA: [digest], digestsB: [digest] });
  };
  for (const item of restA) {
    const nameB = b.hasName(item) ? undefined : b.nameOf(item);
    if (nameB !== undefined) add(item, item.name, nameB);
  }
  for (const item of restB) {
    const nameA = a.hasName(item) ? undefined : a.nameOf(item);
    if (nameA !== undefined) add(item, nameA, item.name);
  }
  return [...moved.values()];
}

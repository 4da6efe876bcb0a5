import { digestText, entryKind, filenameHint, type MeasurementEntry } from '../measurement/index.ts';
import { DigestTable } from './digest-table.ts';
import { emptyReference, type Exclude, type Pool, type ReferenceDocument } from './document.ts';
import { excludeMatcher, type Matcher, type PatternCompiler } from './patterns.ts';
import { signerKeys, type EntrySigners, type SignerPorts } from './signers.ts';

/** A digest that is good, and where it was seen: `alg:hex`, and an escaped path that is a hint only. */
export interface ReferenceItem {
  readonly digest: string;
  readonly path: string;
}

/** An exclude, ready to be asked. */
export interface CompiledExclude {
  readonly exclude: Exclude;
  readonly matches: Matcher;
}

const KERNEL_MODULE = /^\/(?:usr\/)?lib\/modules\/(\d[\w.+~-]*)\//;
const NONE = -1;
/** Numbers of paths and digests are both below this, so that one number tells a pair. */
const PAIR = 2 ** 26;
const NO_SIGNERS: EntrySigners = { keyOf: () => undefined };

/** What is looked up besides digests and paths; nobody but `compileReference` makes it. */
interface Parts {
  readonly excludes: readonly CompiledExclude[];
  readonly signers: EntrySigners;
}

/**
 * Reference values in the form that judges: one for all hosts that use them. An entry costs a few look-ups in tables,
 * whatever their size.
 */
export class ReferenceValues {
  readonly document: ReferenceDocument;
  readonly excludes: readonly CompiledExclude[];
  readonly signers: EntrySigners;
  readonly #digests: DigestTable;
  /** By the number of a digest: the pool that has it, and the path where it is expected. */
  readonly #poolOf: Int32Array;
  readonly #pathOf: Int32Array;
  readonly #paths = new Map<string, number>();
  readonly #pathNames: string[] = [];
  /** By the number of a path: the last pool that has a digest for it, packages before others. */
  readonly #poolAt: number[] = [];
  /** Pairs of a path and a digest that is good there only. */
  readonly #bound = new Set<number>();
  readonly #denied: ReadonlyMap<string, string>;
  #kernels: ReadonlySet<string> | undefined;

  constructor(document: ReferenceDocument, parts: Parts = { excludes: [], signers: NO_SIGNERS }) {
    this.document = document;
    this.excludes = parts.excludes;
    this.signers = parts.signers;
    this.#denied = new Map(document.denied.map(({ digest, reason }) => [digest, reason]));
    const expected = countDigests(document);
    this.#digests = new DigestTable(expected);
    this.#poolOf = new Int32Array(expected).fill(NONE);
    this.#pathOf = new Int32Array(expected).fill(NONE);
    this.#addPools();
    this.#addFiles();
  }

  /** Number of distinct digests, of files and pools. */
  get size(): number {
    return this.#digests.size;
  }

  /** Whether a digest is good at some path. */
  has(digest: string): boolean {
    return this.#digests.find(digest) !== undefined;
  }

  /** True when some digest is good at this path. */
  knowsPath(path: string): boolean {
    return this.#paths.has(path);
  }

  /** Why a digest is denied, if it is. */
  denied(digest: string): string | undefined {
    return this.#denied.get(digest);
  }

  /** The pool that makes a digest good at every path. */
  poolOf(digest: string): Pool | undefined {
    const number = this.#digests.find(digest);
    return number === undefined ? undefined : this.document.pools[this.#poolOf[number] ?? NONE];
  }

  /** Whether a digest is good at this path by a rule for the path. */
  isBound(digest: string, path: string): boolean {
    if (this.#bound.size === 0) return false;
    const [number, at] = [this.#digests.find(digest), this.#paths.get(path)];
    return number !== undefined && at !== undefined && this.#bound.has(at * PAIR + number);
  }

  /** The pool whose file is expected at this path. */
  poolAt(path: string): Pool | undefined {
    const at = this.#paths.get(path);
    return at === undefined ? undefined : this.document.pools[this.#poolAt[at] ?? NONE];
  }

  /** A path at which a digest is expected. */
  pathOf(digest: string): string | undefined {
    const number = this.#digests.find(digest);
    return number === undefined ? undefined : this.#pathNames[this.#pathOf[number] ?? NONE];
  }

  /** Releases of kernels of whose modules there are paths. */
  get kernels(): ReadonlySet<string> {
    this.#kernels ??= new Set(this.#pathNames.flatMap((path) => KERNEL_MODULE.exec(path)?.[1] ?? []));
    return this.#kernels;
  }

  #addPools(): void {
    for (const [index, pool] of this.document.pools.entries()) {
      for (const { digest, paths } of pool.digests) {
        const number = this.#add(digest, paths[0]);
        // A pool that ends says nothing against one that does not.
        const known = this.document.pools[this.#poolOf[number] ?? NONE];
        if (known === undefined || (known.until !== undefined && outlasts(pool, known))) this.#poolOf[number] = index;
        for (const path of paths) this.#expect(path, index);
      }
    }
  }

  /** A package says why a file is there; that it was seen on a host as well says less. */
  #expect(path: string, index: number): void {
    const at = this.#pathNumber(path);
    const { pools } = this.document;
    const known = pools[this.#poolAt[at] ?? NONE];
    if (known?.kind !== 'package' || pools[index]?.kind === 'package') this.#poolAt[at] = index;
  }

  #addFiles(): void {
    for (const { path, digests } of this.document.files) {
      const at = this.#pathNumber(path);
      for (const digest of digests) this.#bound.add(at * PAIR + this.#add(digest, path));
    }
  }

  #add(digest: string, path: string | undefined): number {
    const number = this.#digests.add(digest) ?? NONE;
    if (path !== undefined && this.#pathOf[number] === NONE) this.#pathOf[number] = this.#pathNumber(path);
    return number;
  }

  #pathNumber(path: string): number {
    const known = this.#paths.get(path);
    if (known !== undefined) return known;
    this.#paths.set(path, this.#pathNames.length);
    this.#poolAt.push(NONE);
    return this.#pathNames.push(path) - 1;
  }
}

function outlasts(pool: Pool, known: Pool): boolean {
  return pool.until === undefined || Date.parse(pool.until) > Date.parse(known.until ?? '');
}

function countDigests({ pools, files }: ReferenceDocument): number {
  const inPools = pools.reduce((sum, { digests }) => sum + digests.length, 0);
  return files.reduce((sum, { digests }) => sum + digests.length, inPools);
}

/**
 * @param document that `parseReference` read
 * @throws FormatError REFERENCE-PATTERN, and of keys DER-FORM, KEY-UNKNOWN
 */
export function compileReference(
  document: ReferenceDocument,
  ports: SignerPorts & { readonly patterns: PatternCompiler },
): ReferenceValues {
  const excludes = document.excludes.map((exclude) => ({ exclude, matches: excludeMatcher(exclude, ports.patterns) }));
  return new ReferenceValues(document, { excludes, signers: signerKeys(document.keys, ports) });
}

/** Digests that are good everywhere, with hints of paths. */
export function buildReference(items: Iterable<ReferenceItem>): ReferenceValues {
  const pool = hostPool('capture', items);
  return new ReferenceValues({ ...emptyReference('capture', 1, '1970-01-01T00:00:00Z'), pools: [pool] });
}

/** A pool of what was seen, in the order that documents have. @param name of the host or list */
export function hostPool(name: string, items: Iterable<ReferenceItem>): Pool {
  return { id: `host:${name}`, kind: 'host', name, digests: pooled(items) };
}

/** Digests with all their paths, each once, in ascending order. */
export function pooled(items: Iterable<ReferenceItem>): Pool['digests'] {
  const paths = new Map<string, Set<string>>();
  for (const { digest, path } of items) {
    const known = paths.get(digest);
    if (known === undefined) paths.set(digest, new Set([path]));
    else known.add(path);
  }
  return Array.from(paths.keys())
    .toSorted()
    .map((digest) => ({ digest, paths: [...(paths.get(digest) ?? [])].toSorted() }));
}

/**
 * What a capture takes over from a verified list: files and buffers. Violations prove no content, boot_aggregate is
 * recomputed, and the engine's records about itself differ at each start.
 */
export function captureReference(entries: Iterable<Pick<MeasurementEntry, 'fields' | 'violation'>>): ReferenceItem[] {
  const items: ReferenceItem[] = [];
  for (const entry of entries) {
    const kind = entryKind(entry);
    if (kind !== 'file' && kind !== 'buffer') continue;
    items.push({ digest: digestText(entry.fields.digest), path: filenameHint(entry.fields) });
  }
  return items;
}

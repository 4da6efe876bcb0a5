import { isMembers, printable, strictJson, utf8, type Members } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import type { BufferRule, Exclude, FileRule, ReferenceDocument, SignerKey } from './document.ts';
import { emptyReference } from './document.ts';
import { Losses, type Loss } from './losses.ts';
import type { PatternCompiler } from './patterns.ts';
import { checkedReference, type ParsedReference } from './reader.ts';

/** What a runtime policy of Keylime does not say. */
export interface KeylimeImportOptions {
  readonly name: string;
  readonly version: number;
  /** RFC 3339, UTC. */
  readonly created: string;
  /** Who answers for the excludes, and when they end: Keylime's have neither. */
  readonly owner: string;
  readonly expires: string;
}

/** Type of the payload of a DSSE envelope with a runtime policy. */
export const KEYLIME_PAYLOAD_TYPE = 'application/vnd.keylime+json';

/**
 * Reads a runtime policy of Keylime 7 (keylime/ima/ima.py, RUNTIME_POLICY_SCHEMA). Its digests are good at their path only,
 * as with Keylime. What has no place in reference values is told, never dropped in silence.
 * @throws FormatError REFERENCE-FORM, BYTES-LIMIT
 */
export function importKeylimePolicy(
  bytes: Uint8Array,
  options: KeylimeImportOptions,
  patterns: PatternCompiler,
): { reference: ParsedReference; losses: Loss[] } {
  const policy = strictJson(bytes, 'REFERENCE-FORM');
  const { version } = members(members(policy, 'the policy')['meta'], 'meta');
  if (version !== 1) throw wrong('meta.version', 'is not 1');
  const top = members(policy, 'the policy');
  const losses = new Losses();
  const ima = members(top['ima'] ?? {}, 'ima');
  const { boot_aggregate: aggregate = [], ...digests } = digestLists(top['digests'], 'digests', losses);
  const document: ReferenceDocument = {
    ...emptyReference(options.name, options.version, options.created),
    files: rules(digests).map(({ name, digests: of }): FileRule => ({ path: name, digests: of })),
    buffers: rules(digestLists(top['ima-buf'] ?? {}, 'ima-buf', losses)),
    keyrings: rules(digestLists(top['keyrings'] ?? {}, 'keyrings', losses)),
    ignoredKeyrings: texts(ima['ignored_keyrings'] ?? [], 'ima.ignored_keyrings'),
    keys: verificationKeys(top['verification-keys'] ?? '', losses),
    excludes: excludesOf(texts(top['excludes'] ?? [], 'excludes'), options, patterns, losses),
    bootAggregate: { banks: ['sha256'], listed: aggregate },
  };
  noteRest(top, ima, losses);
  return { reference: checkedReference(document), losses: losses.list() };
}

const ALGORITHM_BY_LENGTH: ReadonlyMap<number, string> = new Map([
  [32, 'md5'],
  [40, 'sha1'],
  [56, 'sha224'],
  [64, 'sha256'],
  [96, 'sha384'],
  [128, 'sha512'],
]);

/** Keylime compares the hexadecimal text of a digest, so what is not such a text never is good. */
function digestLists(value: unknown, place: string, losses: Losses): Record<string, string[]> {
  const lists: [string, string[]][] = [];
  for (const [name, list] of Object.entries(members(value, place))) {
    const digests = new Set<string>();
    for (const hex of texts(list, `${place}.${name.slice(0, 80)}`)) {
      const algorithm = /^[0-9a-f]*$/.test(hex) ? ALGORITHM_BY_LENGTH.get(hex.length) : undefined;
      if (algorithm === undefined) {
        losses.add(
          place,
          'Keylime compares hexadecimal digits alone, so this never matches a digest',
          `${name}: ${hex}`,
        );
      } else digests.add(`${algorithm}:${hex}`);
    }
    lists.push([printable(utf8(name)), [...digests].toSorted()]);
  }
  return Object.fromEntries(lists);
}

function rules(lists: Readonly<Record<string, string[]>>): BufferRule[] {
  return Object.keys(lists)
    .toSorted()
    .map((name) => ({ name, digests: lists[name] ?? [] }));
}

function excludesOf(
  patterns: readonly string[],
  { owner, expires }: KeylimeImportOptions,
  compiler: PatternCompiler,
  losses: Losses,
): Exclude[] {
  const kept = new Set<string>();
  for (const pattern of patterns) {
    try {
      compiler.compile(pattern);
      kept.add(pattern);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      losses.add('excludes', 'it is no regular expression of linear time; with Keylime a broken one ends all', pattern);
    }
  }
  const reason = 'Imported from a runtime policy of Keylime';
  return [...kept].toSorted().map((pattern) => ({ form: 'regex', pattern, reason, owner, expires }));
}

/** A text that holds JSON: keylime/ima/file_signatures.py, ImaKeyring.to_string. */
function verificationKeys(value: unknown, losses: Losses): SignerKey[] {
  if (typeof value !== 'string') throw wrong('verification-keys', 'is no text');
  if (value === '') return [];
  const ring = members(strictJson(utf8(value), 'REFERENCE-FORM'), 'verification-keys');
  const pubkeys = texts(ring['pubkeys'] ?? [], 'verification-keys.pubkeys');
  const ids = ring['keyids'] ?? [];
  if (!Array.isArray(ids) || ids.length !== pubkeys.length) throw wrong('verification-keys.keyids', 'fits no pubkeys');
  return pubkeys.map((key, index) => {
    const id: unknown = ids[index];
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > 0xffff_ffff) {
      throw wrong(`verification-keys.keyids[${index}]`, 'is no key id');
    }
    losses.note('verification-keys', 'carried over; keys that hosts load later are not learnt: name them in keys');
    const keyId = id.toString(16).padStart(8, '0');
    return { name: `keylime-${String(index + 1).padStart(2, '0')}-${keyId}`, key, keyId };
  });
}

const KNOWN = new Set(['meta', 'release', 'digests', 'excludes', 'keyrings', 'ima', 'ima-buf', 'verification-keys']);

function noteRest(top: Members, ima: Members, losses: Losses): void {
  if (ima['dm_policy'] !== undefined && ima['dm_policy'] !== null) {
    losses.add('ima.dm_policy', 'reference values have no rules for tables of the device mapper', 'dm_policy');
  }
  for (const name of Object.keys(top))
    if (!KNOWN.has(name)) losses.add(name, 'Keylime does not look at it either', name);
}

function members(value: unknown, place: string): Members {
  if (isMembers(value)) return value;
  throw wrong(place, 'is no object');
}

function texts(value: unknown, place: string): string[] {
  if (!Array.isArray(value)) throw wrong(place, 'is no list');
  return value.map((each: unknown) => {
    if (typeof each === 'string') return each;
    throw wrong(place, 'holds something else than texts');
  });
}

function wrong(field: string, what: string): FormatError {
  const place = printable(utf8(field));
  return new FormatError('REFERENCE-FORM', `${place} ${what}`, { field: place });
}

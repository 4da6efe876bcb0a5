import { canonicalJson, fromBase64, isMembers, strictJson, utf8, type Members } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import { hashAlgorithm, isHashName } from '../hash/index.ts';
import {
  LIMITS,
  POOL_KINDS,
  type BootAggregateRule,
  type BufferRule,
  type Denied,
  type Exclude,
  type FileRule,
  type KernelPolicyRule,
  type Pool,
  type PoolDigest,
  type ReferenceDocument,
  type SignerKey,
} from './document.ts';

/** Reference values that were read. Nobody vouches for them yet. */
export interface ParsedReference {
  readonly document: ReferenceDocument;
  /** What is signed and digested: the canonical text of the document, in UTF-8. */
  readonly canonical: Uint8Array<ArrayBuffer>;
}

const LONGEST_TEXT = 32_768;
const NAME = /^[a-z0-9][a-z0-9._-]{0,63}$/;
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{3})?Z$/;
const LINE = /^[^\p{C}\p{Zl}\p{Zp}]{0,4096}$/u;
/** A line with something in it. */
const SAID = /^(?=.*\S)[^\p{C}\p{Zl}\p{Zp}]{1,4096}$/u;
const WORD = /^[^\p{C}\p{Z}]{1,1024}$/u;
const PATH = /^[^\p{C}\p{Zl}\p{Zp}]{1,32768}$/u;
const DIGEST = /^(?:verity-)?([a-z0-9-]+):([0-9a-f]+)$/;

/**
 * Reads reference values in JSON of any layout. Members that are unknown, named twice or missing, lists that are not in
 * ascending order, and digests of the wrong length are refused.
 * @throws FormatError REFERENCE-FORM with the member as `field`, BYTES-LIMIT, TEXT-BASE64
 */
export function parseReference(bytes: Uint8Array): ParsedReference {
  if (bytes.length > LIMITS.bytes) throw new FormatError('BYTES-LIMIT', `reference values of ${bytes.length} bytes`);
  const document = documentOf(strictJson(bytes, 'REFERENCE-FORM'));
  return { document, canonical: utf8(canonicalJson(document)) };
}

/** Reads what a program put together, by the same rules. */
export function checkedReference(document: ReferenceDocument): ParsedReference {
  return parseReference(utf8(canonicalJson(document)));
}

function documentOf(value: unknown): ReferenceDocument {
  const at = new Fields(value, '', DOCUMENT_MEMBERS);
  if (at.text('schema', WORD) !== 'assay.reference.v1') throw wrong('schema', 'is not assay.reference.v1');
  const version = at.value('version');
  if (typeof version !== 'number' || !Number.isSafeInteger(version) || version < 1) {
    throw wrong('version', 'is no whole number from 1 on');
  }
  const pools = at.list('pools', poolOf, ({ id }) => id, LIMITS.pools);
  const digests = pools.reduce((sum, pool) => sum + pool.digests.length, 0);
  if (digests > LIMITS.digests) throw new FormatError('BYTES-LIMIT', `${digests} digests in pools`);
  return {
    schema: 'assay.reference.v1',
    name: at.text('name', NAME),
    version,
    created: at.time('created'),
    ...at.optional('validUntil', () => at.time('validUntil')),
    ...at.optional('note', () => at.text('note', LINE)),
    pools,
    files: at.list('files', fileOf, ({ path }) => path, LIMITS.rules),
    buffers: at.list('buffers', bufferOf, ({ name }) => name, LIMITS.rules),
    keyrings: at.list('keyrings', bufferOf, ({ name }) => name, LIMITS.rules),
    ignoredKeyrings: at.texts('ignoredKeyrings', WORD),
    keys: at.list('keys', signerKeyOf, ({ name }) => name, LIMITS.keys),
    excludes: at.list('excludes', excludeOf, ({ form, pattern }) => `${form} ${pattern}`, LIMITS.excludes),
    denied: at.list('denied', deniedOf, ({ digest }) => digest, LIMITS.rules),
    ...at.optional('kernelPolicy', () => kernelPolicyOf(at.value('kernelPolicy'))),
    bootAggregate: bootAggregateOf(at.value('bootAggregate')),
  };
}

const DOCUMENT_MEMBERS: ReadonlySet<string> = new Set<keyof ReferenceDocument>([
  'schema',
  'name',
  'version',
  'created',
  'validUntil',
  'note',
  'pools',
  'files',
  'buffers',
  'keyrings',
  'ignoredKeyrings',
  'keys',
  'excludes',
  'denied',
  'kernelPolicy',
  'bootAggregate',
]);
const POOL_MEMBERS = new Set(['id', 'kind', 'name', 'version', 'architecture', 'source', 'until', 'digests']);

function poolOf(value: unknown, place: string): Pool {
  const at = new Fields(value, place, POOL_MEMBERS);
  const kind = POOL_KINDS.find((each) => each === at.value('kind'));
  if (kind === undefined) throw wrong(`${place}.kind`, `is none of ${POOL_KINDS.join(', ')}`);
  return {
    id: at.text('id', WORD),
    kind,
    name: at.text('name', WORD),
    ...at.optional('version', () => at.text('version', WORD)),
    ...at.optional('architecture', () => at.text('architecture', WORD)),
    ...at.optional('source', () => at.text('source', WORD)),
    ...at.optional('until', () => at.time('until')),
    digests: at.list('digests', poolDigestOf, ({ digest }) => digest, LIMITS.digests),
  };
}

const POOL_DIGEST_MEMBERS = new Set(['digest', 'paths']);

function poolDigestOf(value: unknown, place: string): PoolDigest {
  const at = new Fields(value, place, POOL_DIGEST_MEMBERS);
  return { digest: at.digest('digest'), paths: at.texts('paths', PATH) };
}

const FILE_MEMBERS = new Set(['path', 'digests']);

function fileOf(value: unknown, place: string): FileRule {
  const at = new Fields(value, place, FILE_MEMBERS);
  return { path: at.text('path', PATH), digests: at.digests('digests') };
}

const BUFFER_MEMBERS = new Set(['name', 'digests']);

function bufferOf(value: unknown, place: string): BufferRule {
  const at = new Fields(value, place, BUFFER_MEMBERS);
  return { name: at.text('name', PATH), digests: at.digests('digests') };
}

const KEY_MEMBERS = new Set(['name', 'key', 'keyId']);

function signerKeyOf(value: unknown, place: string): SignerKey {
  const at = new Fields(value, place, KEY_MEMBERS);
  const key = at.text('key', WORD);
  fromBase64(key);
  return { name: at.text('name', LINE), key, ...at.optional('keyId', () => at.text('keyId', /^[0-9a-f]{8}$/)) };
}

const EXCLUDE_MEMBERS = new Set(['form', 'pattern', 'reason', 'owner', 'expires']);

function excludeOf(value: unknown, place: string): Exclude {
  const at = new Fields(value, place, EXCLUDE_MEMBERS);
  const form = at.text('form', /^(?:glob|regex)$/) === 'glob' ? 'glob' : 'regex';
  const pattern = at.text('pattern', /^[^\p{Cc}]{1,1024}$/u);
  const reason = at.text('reason', SAID);
  return { form, pattern, reason, owner: at.text('owner', SAID), expires: at.time('expires') };
}

const DENIED_MEMBERS = new Set(['digest', 'reason']);

function deniedOf(value: unknown, place: string): Denied {
  const at = new Fields(value, place, DENIED_MEMBERS);
  return { digest: at.digest('digest'), reason: at.text('reason', LINE) };
}

const KERNEL_POLICY_MEMBERS = new Set(['paths', 'digests']);

function kernelPolicyOf(value: unknown): KernelPolicyRule {
  const at = new Fields(value, 'kernelPolicy', KERNEL_POLICY_MEMBERS);
  return { paths: at.texts('paths', PATH), digests: at.digests('digests') };
}

const BOOT_AGGREGATE_MEMBERS = new Set(['banks', 'listed']);

function bootAggregateOf(value: unknown): BootAggregateRule {
  const at = new Fields(value, 'bootAggregate', BOOT_AGGREGATE_MEMBERS);
  return { banks: at.texts('banks', /^(?:sha1|sha256|sha384|sha512)$/), listed: at.digests('listed') };
}

/** Whether a text is a digest as measurement lists have them, with all its digits. */
export function isDigest(text: string): boolean {
  const [, algorithm = '', hex = ''] = DIGEST.exec(text) ?? [];
  return isHashName(algorithm) && hex.length === 2 * hashAlgorithm(algorithm).size;
}

function wrong(field: string, what: string): FormatError {
  return new FormatError('REFERENCE-FORM', `${field} ${what}`, { field });
}

/** The members of one object, each asked for by its form. */
class Fields {
  readonly #members: Members;
  readonly #place: string;

  constructor(value: unknown, place: string, known: ReadonlySet<string>) {
    if (!isMembers(value)) throw wrong(place === '' ? 'the document' : place, 'is no object');
    this.#members = value;
    this.#place = place === '' ? '' : `${place}.`;
    for (const name of Object.keys(value)) {
      if (!known.has(name)) throw wrong(`${this.#place}${name.slice(0, 40)}`, 'is no member of this object');
    }
  }

  value(name: string): unknown {
    return this.#members[name];
  }

  optional<T, N extends string>(name: N, read: () => T): { readonly [K in N]?: T } {
    const found: { [K in N]?: T } = {};
    if (Object.hasOwn(this.#members, name)) found[name] = read();
    return found;
  }

  text(name: string, form: RegExp): string {
    const value = this.#members[name];
    if (typeof value !== 'string' || value.length > LONGEST_TEXT || !form.test(value)) throw this.#wrong(name);
    return value;
  }

  time(name: string): string {
    const value = this.text(name, TIME);
    if (Number.isNaN(Date.parse(value))) throw this.#wrong(name);
    return value;
  }

  digest(name: string): string {
    const value = this.text(name, DIGEST);
    if (!isDigest(value)) throw this.#wrong(name);
    return value;
  }

  texts(name: string, form: RegExp): string[] {
    return this.list(
      name,
      (value, place) => textOf(value, place, form),
      (text) => text,
      LIMITS.rules,
    );
  }

  digests(name: string): string[] {
    return this.list(name, digestOf, (text) => text, LIMITS.rules);
  }

  /** In ascending order of their keys, so that nothing is there twice and two documents compare line by line. */
  list<T>(name: string, read: (value: unknown, place: string) => T, keyOf: (item: T) => string, most: number): T[] {
    const values: unknown = this.#members[name];
    if (!Array.isArray(values)) throw this.#wrong(name);
    if (values.length > most) throw new FormatError('BYTES-LIMIT', `${this.#place}${name} has over ${most} elements`);
    const items = values.map((value: unknown, index) => read(value, `${this.#place}${name}[${index}]`));
    let before: string | undefined;
    for (const [index, item] of items.entries()) {
      const key = keyOf(item);
      if (before !== undefined && before >= key) {
        throw wrong(`${this.#place}${name}[${index}]`, 'is there twice or not in ascending order');
      }
      before = key;
    }
    return items;
  }

  #wrong(name: string): FormatError {
    return wrong(`${this.#place}${name}`, 'is missing or not of its form');
  }
}

function textOf(value: unknown, place: string, form: RegExp): string {
  if (typeof value === 'string' && value.length <= LONGEST_TEXT && form.test(value)) return value;
  throw wrong(place, 'is not of its form');
}

function digestOf(value: unknown, place: string): string {
  if (typeof value === 'string' && isDigest(value)) return value;
  throw wrong(place, 'is no digest such as sha256:<hex>');
}

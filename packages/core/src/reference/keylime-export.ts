import { pathOfText } from '../baseline/index.ts';
import { FormatError } from '../errors/index.ts';
import type { BufferRule, Exclude, Pool, ReferenceDocument, SignerKey } from './document.ts';
import { Losses, type Loss } from './losses.ts';

/**
 * The same rules as a runtime policy of Keylime, as far as it can say them: it knows digests by path only.
 * @param keyIdOf the key id of a signer whose document does not give one
 * @returns the JSON text, and what is lost
 */
export function exportKeylimePolicy(
  document: ReferenceDocument,
  at: Date,
  keyIdOf: (key: SignerKey) => number,
): { text: string; losses: Loss[] } {
  const losses = new Losses();
  const digests = new Map<string, Set<string>>();
  for (const { path, digests: of } of document.files) for (const digest of of) put(digests, path, digest, losses);
  for (const pool of document.pools) addPool(pool, digests, at, losses);
  for (const digest of document.bootAggregate.listed) put(digests, 'boot_aggregate', digest, losses);
  for (const path of document.kernelPolicy?.paths ?? []) {
    digests.delete(path);
    for (const digest of document.kernelPolicy?.digests ?? []) put(digests, path, digest, losses);
  }
  for (const { digest } of document.denied) losses.add('denied', 'a runtime policy cannot deny', digest);
  if (document.validUntil !== undefined) losses.add('validUntil', 'a runtime policy does not end', document.validUntil);
  const policy = {
    meta: { version: 1, generator: 0, timestamp: document.created },
    release: 0,
    digests: listed(digests),
    excludes: document.excludes.flatMap((exclude) => excludeText(exclude, at, losses)),
    keyrings: buffersOf(document.keyrings, losses),
    ima: { ignored_keyrings: document.ignoredKeyrings, log_hash_alg: 'sha1', dm_policy: null },
    'ima-buf': buffersOf(document.buffers, losses),
    'verification-keys': keysText(document.keys, keyIdOf),
  };
  return { text: `${JSON.stringify(policy)}\n`, losses: losses.list() };
}

type Lists = Map<string, Set<string>>;

function addPool({ id, until, digests }: Pool, lists: Lists, at: Date, losses: Losses): void {
  if (until !== undefined && Date.parse(until) < at.getTime()) {
    losses.add('pools', 'its time is over', id);
    return;
  }
  if (until !== undefined) losses.add('pools', 'its end cannot be said: it stays good', `${id} until ${until}`);
  for (const { digest, paths } of digests) {
    if (paths.length === 0) losses.add('pools', 'a digest without a path cannot be said', digest);
    else losses.note('pools', 'digests are good at the paths only at which they were seen');
    for (const path of paths) put(lists, path, digest, losses);
  }
}

function put(lists: Lists, path: string, digest: string, losses: Losses): void {
  if (digest.startsWith('verity-')) {
    losses.add('digests', 'Keylime does not read entries with fs-verity digests', `${path} ${digest}`);
    return;
  }
  const name = kernelName(path);
  if (name === undefined) {
    losses.add('digests', 'Keylime reads names in UTF-8 only', path);
    return;
  }
  const list = lists.get(name) ?? new Set();
  lists.set(name, list.add(digest.slice(digest.indexOf(':') + 1)));
}

/** A name as the kernel has it; documents have it escaped. */
function kernelName(path: string): string | undefined {
  try {
    const bytes = Uint8Array.from(pathOfText(path), (character) => character.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function listed(lists: Lists): Record<string, string[]> {
  return Object.fromEntries(Array.from(lists, ([path, digests]) => [path, [...digests].toSorted()]));
}

function buffersOf(rules: readonly BufferRule[], losses: Losses): Record<string, string[]> {
  const lists: Lists = new Map();
  for (const { name, digests } of rules) for (const digest of digests) put(lists, name, digest, losses);
  return listed(lists);
}

function excludeText({ form, pattern, expires }: Exclude, at: Date, losses: Losses): string[] {
  if (Date.parse(expires) < at.getTime()) {
    losses.add('excludes', 'its time is over', pattern);
    return [];
  }
  losses.note('excludes', 'reason, owner and end of an exclude cannot be said: it stays open');
  return [form === 'regex' ? pattern : `${globAsRegex(pattern)}$`];
}

/** A glob or directory as an expression of Python, which matches from the beginning. */
function globAsRegex(pattern: string): string {
  const escaped = (text: string): string => text.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&');
  if (!/[*?]/.test(pattern)) return `${escaped(pattern.replace(/\/$/, ''))}(?:/.*)?`;
  const pieces = pattern.match(/\*{2,}|[^]/gu) ?? [];
  return pieces
    .map((piece) => (piece.startsWith('**') ? '.*' : piece === '*' ? '[^/]*' : piece === '?' ? '[^/]' : escaped(piece)))
    .join('');
}

function keysText(keys: readonly SignerKey[], keyIdOf: (key: SignerKey) => number): string {
  if (keys.length === 0) return '';
  const keyids = keys.map((key) => {
    const id = key.keyId === undefined ? keyIdOf(key) : Number.parseInt(key.keyId, 16);
    if (!Number.isInteger(id)) throw new FormatError('REFERENCE-FORM', `the key ${key.name} has no key id`);
    return id;
  });
  return JSON.stringify({ meta: { version: 1 }, keyids, pubkeys: keys.map(({ key }) => key) });
}

import { HASH_NAMES, hashAlgorithm, type HashName } from '../hash/index.ts';
import type { FileDigest } from './entry.ts';
import { PATH_LIMIT, SHORT_NAME_LIMIT, type FieldId } from './fields.ts';

/** Whether `list[start, end)` is such a field for sure. A false says nothing: the decoder of the field decides then. */
type QuickCheck = (list: DataView, start: number, end: number) => boolean;

/** What stands in front of a digest of an algorithm: `<alg>:` NUL. */
interface Prefix {
  readonly algorithm: HashName;
  readonly bytes: Uint8Array;
}

/** By the length of the whole field: the prefixes that it may have. */
const PREFIXES: readonly (readonly Prefix[])[] = prefixesByLength();

function prefixesByLength(): Prefix[][] {
  const found: Prefix[][] = [];
  for (const algorithm of HASH_NAMES) {
    const bytes = Uint8Array.from(`${algorithm}:\0`, (letter) => letter.charCodeAt(0));
    const length = bytes.length + hashAlgorithm(algorithm).size;
    found[length] = [...(found[length] ?? []), { algorithm, bytes }];
  }
  return found;
}

function startsWith(list: DataView, start: number, prefix: Uint8Array): boolean {
  for (let index = 0; index < prefix.length; index++) if (list.getUint8(start + index) !== prefix[index]) return false;
  return true;
}

function prefixOf(list: DataView, start: number, end: number): Prefix | undefined {
  const candidates = PREFIXES[end - start];
  if (candidates === undefined) return undefined;
  for (const prefix of candidates) if (startsWith(list, start, prefix.bytes)) return prefix;
  return undefined;
}

const isDigest: QuickCheck = (list, start, end) => prefixOf(list, start, end) !== undefined;

const TYPES = (['ima', 'verity'] as const).map((type) => {
  return { type, bytes: Uint8Array.from(`${type}:`, (letter) => letter.charCodeAt(0)) };
});

function typeOf(list: DataView, start: number, end: number): (typeof TYPES)[number] | undefined {
  for (const type of TYPES) {
    if (end - start > type.bytes.length && startsWith(list, start, type.bytes)) return type;
  }
  return undefined;
}

const isTypedDigest: QuickCheck = (list, start, end) => {
  const type = typeOf(list, start, end);
  return type !== undefined && isDigest(list, start + type.bytes.length, end);
};

/** The digest in a field that `quickFields` has looked at: `d-ngv2` where it is typed, else `d-ng`. */
export function quickDigest(list: DataView, start: number, end: number, typed: boolean): FileDigest {
  const type = typed ? typeOf(list, start, end) : undefined;
  const from = start + (type?.bytes.length ?? 0);
  const prefix = prefixOf(list, from, end);
  if (prefix === undefined) throw new RangeError('the field was not looked at');
  const at = list.byteOffset + from + prefix.bytes.length;
  const value = new Uint8Array(list.buffer, at, list.byteOffset + end - at);
  const { algorithm } = prefix;
  return type === undefined ? { algorithm, value } : { algorithm, value, type: type.type };
}

/** One NUL, at the end. Four bytes at a time: subtracting 1 from a byte borrows its highest bit only from a zero. */
function isName(list: DataView, start: number, end: number, limit: number): boolean {
  const last = end - 1;
  if (last < start || last - start > limit || list.getUint8(last) !== 0) return false;
  let at = start;
  let zeros = 0;
  for (; at + 4 <= last; at += 4) {
    const word = list.getInt32(at, true);
    zeros |= (word - 0x01010101) & ~word & 0x80808080;
  }
  if (zeros !== 0) return false;
  for (; at < last; at++) if (list.getUint8(at) === 0) return false;
  return true;
}

const isAny: QuickCheck = () => true;
const orEmpty =
  (check: QuickCheck): QuickCheck =>
  (list, start, end) =>
    start === end || check(list, start, end);
const ofSize =
  (size: number): QuickCheck =>
  (_list, start, end) =>
    end - start === size;

export const QUICK_CHECKS: Readonly<Record<FieldId, QuickCheck>> = {
  d: ofSize(20),
  'd-ng': isDigest,
  'd-ngv2': isTypedDigest,
  'd-modsig': orEmpty(isDigest),
  n: (list, start, end) => isName(list, start, end, SHORT_NAME_LIMIT),
  'n-ng': (list, start, end) => isName(list, start, end, PATH_LIMIT),
  sig: isAny,
  evmsig: isAny,
  modsig: isAny,
  buf: isAny,
  iuid: orEmpty(ofSize(4)),
  igid: orEmpty(ofSize(4)),
  imode: orEmpty(ofSize(2)),
  xattrnames: orEmpty((list, start, end) => isName(list, start, end, PATH_LIMIT)),
  xattrlengths: (_list, start, end) => (end - start) % 4 === 0,
  xattrvalues: isAny,
};

/** `boot`, as an integer: with that begins the name of boot_aggregate, which the verifier keeps. */
const BOOT = 0x626f6f74;

/**
 * Whether `list[start, end)` are for sure template data of these fields, each with its length in front, of an entry that
 * needs no closer look.
 */
export function quickFields(
  list: DataView,
  start: number,
  end: number,
  fields: readonly FieldId[],
  little: boolean,
): boolean {
  let at = start;
  for (const id of fields) {
    if (at + 4 > end) return false;
    const from = at + 4;
    at = from + list.getUint32(at, little);
    if (at > end || !QUICK_CHECKS[id](list, from, at)) return false;
    const names = id === 'n-ng' || id === 'n';
    if (names && at - from > 4 && list.getUint32(from) === BOOT) return false;
  }
  return at === end;
}

import { HASH_NAMES, hashAlgorithm } from '../hash/index.ts';
import { PATH_LIMIT, SHORT_NAME_LIMIT, type FieldId } from './fields.ts';

/** Whether `list[start, end)` is such a field for sure. A false says nothing: the decoder of the field decides then. */
type QuickCheck = (list: DataView, start: number, end: number) => boolean;

/** By the length of the whole field: the prefixes `<alg>:` NUL that it may have. */
const PREFIXES: readonly (readonly Uint8Array[])[] = prefixesByLength();

function prefixesByLength(): Uint8Array[][] {
  const found: Uint8Array[][] = [];
  for (const name of HASH_NAMES) {
    const prefix = Uint8Array.from(`${name}:\0`, (letter) => letter.charCodeAt(0));
    const length = prefix.length + hashAlgorithm(name).size;
    found[length] = [...(found[length] ?? []), prefix];
  }
  return found;
}

function startsWith(list: DataView, start: number, prefix: Uint8Array): boolean {
  for (let index = 0; index < prefix.length; index++) if (list.getUint8(start + index) !== prefix[index]) return false;
  return true;
}

const isDigest: QuickCheck = (list, start, end) => {
  const candidates = PREFIXES[end - start];
  if (candidates === undefined) return false;
  for (const prefix of candidates) if (startsWith(list, start, prefix)) return true;
  return false;
};

const TYPES: readonly Uint8Array[] = ['ima:', 'verity:'].map((type) =>
  Uint8Array.from(type, (letter) => letter.charCodeAt(0)),
);

const isTypedDigest: QuickCheck = (list, start, end) => {
  for (const type of TYPES) {
    if (end - start > type.length && startsWith(list, start, type)) return isDigest(list, start + type.length, end);
  }
  return false;
};

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

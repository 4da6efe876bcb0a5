import { leftPadded } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import type { HashName } from '../hash/index.ts';
import { DER, DerReader } from './der.ts';
import { CURVE_SIZES, type Curve, type EcdsaSignature } from './types.ts';

/** ECDSA-Sig-Value (RFC 3279 section 2.2.3), in DER only. @throws FormatError DER-FORM */
export function parseEcdsaSignature(der: Uint8Array, curve: Curve, hash: HashName): EcdsaSignature {
  const outer = new DerReader(der, 'ECDSA signature');
  const pair = outer.enter(DER.sequence, 'sequence');
  outer.end();
  const [r, s] = [pair.unsigned('r'), pair.unsigned('s')];
  pair.end();
  const size = CURVE_SIZES[curve];
  if (r.length > size || s.length > size) {
    throw new FormatError('DER-FORM', `ECDSA signature: r or s is longer than the ${size} bytes of ${curve}`);
  }
  return { scheme: 'ecdsa', hash, r: leftPadded(r, size), s: leftPadded(s, size) };
}

/** ECDSA-Sig-Value in DER; made in one piece, because each check of a signature makes one. */
export function encodeEcdsaSignature(signature: EcdsaSignature): Uint8Array<ArrayBuffer> {
  const [r, s] = [signature.r, signature.s];
  const [rStart, sStart] = [firstDigit(r), firstDigit(s)];
  const [rLength, sLength] = [unsignedLength(r, rStart), unsignedLength(s, sStart)];
  const content = 4 + rLength + sLength;
  const head = content < 0x80 ? 2 : 3; // Not even those of P-521 need two bytes of length.
  const der = new Uint8Array(head + content);
  der[0] = DER.sequence;
  if (head === 3) der[1] = 0x81;
  der[head - 1] = content;
  putUnsigned(der, head, { value: r, start: rStart, length: rLength });
  putUnsigned(der, head + 2 + rLength, { value: s, start: sStart, length: sLength });
  return der;
}

/** Where the value begins after zeros; its last byte stays, zero or not. */
function firstDigit(value: Uint8Array): number {
  let start = 0;
  while (start < value.length - 1 && value[start] === 0) start++;
  return start;
}

/** With the zero before a first bit that would say: negative. */
function unsignedLength(value: Uint8Array, start: number): number {
  return Math.max(value.length - start, 1) + ((value[start] ?? 0) >= 0x80 ? 1 : 0);
}

function putUnsigned(
  der: Uint8Array,
  at: number,
  { value, start, length }: { readonly value: Uint8Array; readonly start: number; readonly length: number },
): void {
  der[at] = DER.integer;
  der[at + 1] = length;
  const end = at + 2 + length;
  for (let i = value.length - 1, to = end - 1; i >= start; i--, to--) der[to] = value[i] ?? 0;
}

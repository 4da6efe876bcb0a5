import { leftPadded } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import type { HashName } from '../hash/index.ts';
import { DER, DerReader, derElement, derUnsigned } from './der.ts';
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

/** ECDSA-Sig-Value in DER. */
export function encodeEcdsaSignature(signature: EcdsaSignature): Uint8Array<ArrayBuffer> {
  return derElement(DER.sequence, derUnsigned(signature.r), derUnsigned(signature.s));
}

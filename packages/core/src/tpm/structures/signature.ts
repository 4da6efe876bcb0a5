import { leftPadded } from '../../bytes/index.ts';
import { CURVE_SIZES, type PublicKey, type Signature } from '../../keys/index.ts';
import { decode, encode, sized, type Codec } from '../codec.ts';
import { hashId, schemeId } from './algorithms.ts';

/** TPMT_SIGNATURE as sent: `r` and `s` may lack leading zeros, because only the key tells their size. */
export type ParsedSignature = Signature;

const component = sized(CURVE_SIZES.p521);
const rsaValue = sized(512);

/** TPMT_SIGNATURE by ECDSA, RSASSA or RSAPSS (TPM 2.0 Part 2, clause 11.3.4); an HMAC is no signature here. */
export const signature: Codec<ParsedSignature> = {
  read(r) {
    const scheme = schemeId.read(r, 'sigAlg');
    const hash = hashId.read(r, 'hash');
    if (scheme !== 'ecdsa') return { scheme, hash, value: rsaValue.read(r, 'sig') };
    return { scheme, hash, r: component.read(r, 'signatureR'), s: component.read(r, 'signatureS') };
  },
  write(w, value) {
    schemeId.write(w, value.scheme);
    hashId.write(w, value.hash);
    if (value.scheme !== 'ecdsa') return rsaValue.write(w, value.value);
    component.write(w, value.r);
    component.write(w, value.s);
  },
};

/**
 * @param bytes TPMT_SIGNATURE.
 * @throws FormatError BYTES-*, HASH-UNKNOWN, TPM-STRUCTURE (no ECDSA, RSASSA or RSAPSS signature)
 */
export function parseSignature(bytes: Uint8Array): ParsedSignature {
  return decode(signature, bytes, 'TPMT_SIGNATURE');
}

/** TPMT_SIGNATURE. */
export function encodeSignature(value: ParsedSignature): Uint8Array<ArrayBuffer> {
  return encode(signature, value);
}

/** The signature in the sizes of `key`; null where it is of another kind of key, or longer than the key's. */
export function signatureFor(key: PublicKey, parsed: ParsedSignature): Signature | null {
  if (parsed.scheme !== 'ecdsa')
    return key.kind === 'rsa' && parsed.value.length === key.modulus.length ? parsed : null;
  if (key.kind !== 'ecc') return null;
  const size = CURVE_SIZES[key.curve];
  if (parsed.r.length > size || parsed.s.length > size) return null;
  return { ...parsed, r: leftPadded(parsed.r, size), s: leftPadded(parsed.s, size) };
}

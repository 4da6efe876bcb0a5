import { ByteReader, leftPadded } from '../../bytes/index.ts';
import { FormatError } from '../../errors/index.ts';
import type { HashName } from '../../hash/index.ts';
import { CURVE_SIZES, type Curve, type PublicKey } from '../../keys/index.ts';
import { encode, sized, u16, u32, type Codec } from '../codec.ts';
import { MAX_DIGEST, OBJECT, TPM_ALG } from '../constants.ts';
import {
  curveId,
  hashId,
  signingScheme,
  symmetric,
  unknownValue,
  type AesCfb,
  type SigningScheme,
} from './algorithms.ts';

interface KeyArea {
  readonly nameAlg: HashName;
  /** TPMA_OBJECT bits, see OBJECT. */
  readonly attributes: number;
  readonly authPolicy: Uint8Array;
  /** Cipher that protects children; null for a key that has none. */
  readonly symmetric: AesCfb | null;
  readonly scheme: SigningScheme | null;
}

export interface RsaPublicArea extends KeyArea {
  readonly type: 'rsa';
  readonly keyBits: number;
  /** As encoded: 0 stands for 65537. */
  readonly exponent: number;
  readonly modulus: Uint8Array;
}

export interface EccPublicArea extends KeyArea {
  readonly type: 'ecc';
  readonly curve: Curve;
  /** As encoded: a TPM may leave out leading zeros, and a template may have no coordinates. */
  readonly x: Uint8Array;
  readonly y: Uint8Array;
}

/** TPMT_PUBLIC of a key (TPM 2.0 Part 2, clause 12.2.4). Also the template from which a TPM creates one. */
export type PublicArea = RsaPublicArea | EccPublicArea;

/** Read, not checked. `raw` is the TPMT_PUBLIC that the name covers. */
export type ParsedPublic = PublicArea & { readonly raw: Uint8Array };

const MAX_PUBLIC = 1024;
const MAX_MODULUS = 512;
const KNOWN_ATTRIBUTES = Object.values(OBJECT).reduce((all, bit) => all | bit, 0);

/**
 * @param tpm2bPublic TPM2B_PUBLIC, whole: size, then TPMT_PUBLIC.
 * @throws FormatError BYTES-*, HASH-UNKNOWN, TPM-STRUCTURE (reserved attribute bits, unknown algorithm)
 */
export function parsePublic(tpm2bPublic: Uint8Array): ParsedPublic {
  const reader = new ByteReader(tpm2bPublic, 'TPM2B_PUBLIC');
  const raw = sized(MAX_PUBLIC).read(reader, 'publicArea');
  reader.end();
  const areaReader = new ByteReader(raw, 'TPMT_PUBLIC');
  const area = publicArea.read(areaReader, 'publicArea');
  areaReader.end();
  return { ...area, raw };
}

/** TPM2B_PUBLIC. */
export function encodePublic(area: PublicArea): Uint8Array<ArrayBuffer> {
  return encode(sized(MAX_PUBLIC), encode(publicArea, area));
}

/**
 * The key with coordinates left-padded to the curve's size.
 * @throws FormatError TPM-STRUCTURE where the area holds no key of its declared size, as a template does.
 */
export function publicKeyOf(area: PublicArea): PublicKey {
  if (area.type === 'ecc') {
    const size = CURVE_SIZES[area.curve];
    if (area.x.length === 0 || area.y.length === 0)
      throw new FormatError('TPM-STRUCTURE', 'the point has no coordinates');
    return { kind: 'ecc', curve: area.curve, x: leftPadded(area.x, size), y: leftPadded(area.y, size) };
  }
  const { modulus } = area;
  if (modulus.length * 8 !== area.keyBits || (modulus[0] ?? 0) < 0x80) {
    throw new FormatError('TPM-STRUCTURE', `the modulus is not of ${area.keyBits} bits`);
  }
  return { kind: 'rsa', modulus, exponent: area.exponent === 0 ? 65537 : area.exponent };
}

const attributes: Codec<number> = {
  read(r, field) {
    const offset = r.offset;
    const value = r.u32(field);
    const reserved = (value & ~KNOWN_ATTRIBUTES) >>> 0;
    if (reserved !== 0) throw unknownValue('object attribute', reserved, offset);
    return value;
  },
  write: u32.write,
};

const publicArea: Codec<PublicArea> = {
  read(r) {
    const offset = r.offset;
    const type = r.u16('type');
    if (type !== TPM_ALG.RSA && type !== TPM_ALG.ECC) throw unknownValue('object type', type, offset);
    const common = {
      nameAlg: hashId.read(r, 'nameAlg'),
      attributes: attributes.read(r, 'objectAttributes'),
      authPolicy: sized(MAX_DIGEST).read(r, 'authPolicy'),
      symmetric: symmetric.read(r, 'symmetric'),
      scheme: schemeFor(type, r),
    };
    return type === TPM_ALG.RSA ? { type: 'rsa', ...common, ...readRsa(r) } : { type: 'ecc', ...common, ...readEcc(r) };
  },
  write(w, area) {
    w.u16(area.type === 'rsa' ? TPM_ALG.RSA : TPM_ALG.ECC);
    hashId.write(w, area.nameAlg);
    w.u32(area.attributes);
    sized(MAX_DIGEST).write(w, area.authPolicy);
    symmetric.write(w, area.symmetric);
    signingScheme.write(w, area.scheme);
    if (area.type === 'rsa') {
      w.u16(area.keyBits).u32(area.exponent);
      sized(MAX_MODULUS).write(w, area.modulus);
      return;
    }
    curveId.write(w, area.curve);
    w.u16(TPM_ALG.NULL);
    sized(CURVE_SIZES[area.curve]).write(w, area.x);
    sized(CURVE_SIZES[area.curve]).write(w, area.y);
  },
};

function schemeFor(type: number, r: ByteReader): SigningScheme | null {
  const offset = r.offset;
  const scheme = signingScheme.read(r, 'scheme');
  if (scheme !== null && (scheme.scheme === 'ecdsa') !== (type === TPM_ALG.ECC)) {
    throw new FormatError('TPM-STRUCTURE', `a key of another type cannot sign by ${scheme.scheme}`, { offset });
  }
  return scheme;
}

function readRsa(r: ByteReader): Pick<RsaPublicArea, 'keyBits' | 'exponent' | 'modulus'> {
  return {
    keyBits: u16.read(r, 'keyBits'),
    exponent: u32.read(r, 'exponent'),
    modulus: sized(MAX_MODULUS).read(r, 'modulus'),
  };
}

function readEcc(r: ByteReader): Pick<EccPublicArea, 'curve' | 'x' | 'y'> {
  const curve = curveId.read(r, 'curveID');
  const offset = r.offset;
  const kdf = r.u16('kdf');
  if (kdf !== TPM_ALG.NULL) throw unknownValue('key derivation scheme', kdf, offset);
  const coordinateOf = sized(CURVE_SIZES[curve]);
  return { curve, x: coordinateOf.read(r, 'x'), y: coordinateOf.read(r, 'y') };
}

import { leftPadded, type ByteReader } from '../../bytes/index.ts';
import { FormatError } from '../../errors/index.ts';
import type { HashName } from '../../hash/index.ts';
import { CURVE_SIZES, type Curve, type PublicKey } from '../../keys/index.ts';
import { decode, encode, record, sized, sizedStructure, u16, u32, type Codec } from '../codec.ts';
import { MAX_DIGEST, OBJECT, TPM_ALG } from '../constants.ts';
import {
  curveId,
  flags,
  hashId,
  readDecryptionScheme,
  signingScheme,
  symmetric,
  unknownValue,
  writeDecryptionScheme,
  type AesCfb,
  type DecryptionScheme,
  type SigningScheme,
} from './algorithms.ts';

interface ObjectArea {
  readonly nameAlg: HashName;
  /** TPMA_OBJECT bits, see OBJECT. */
  readonly attributes: number;
  readonly authPolicy: Uint8Array;
}

interface KeyArea extends ObjectArea {
  /** Cipher that protects children; null for a key that has none. */
  readonly symmetric: AesCfb | null;
  /** How it signs; null where the caller chooses, or where it does not sign. */
  readonly scheme: SigningScheme | null;
  /** How it decrypts, instead; absent where the caller chooses, or where it does not decrypt. */
  readonly decryption?: DecryptionScheme;
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

/** Sealed data, or a key for HMACs. */
export interface KeyedHashPublicArea extends ObjectArea {
  readonly type: 'keyedhash';
  /** Hash of the HMACs that it computes; null for sealed data. */
  readonly hmac: HashName | null;
  /** Digest of the secret and of what hides it; empty in a template. */
  readonly unique: Uint8Array;
}

/** TPMT_PUBLIC (TPM 2.0 Part 2, clause 12.2.4). Also the template from which a TPM creates an object. */
export type PublicArea = RsaPublicArea | EccPublicArea | KeyedHashPublicArea;

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
  const area = decode(tpm2bPublicArea, tpm2bPublic, 'TPM2B_PUBLIC');
  return { ...area, raw: tpm2bPublic.subarray(2) };
}

/** TPM2B_PUBLIC. */
export function encodePublic(area: PublicArea): Uint8Array<ArrayBuffer> {
  return encode(tpm2bPublicArea, area);
}

/**
 * The key with coordinates left-padded to the curve's size.
 * @throws FormatError TPM-STRUCTURE where the area holds no key of its declared size, as a template does.
 */
export function publicKeyOf(area: PublicArea): PublicKey {
  if (area.type === 'keyedhash') throw new FormatError('TPM-STRUCTURE', 'a keyed hash has no public key');
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

const TYPES = { rsa: TPM_ALG.RSA, ecc: TPM_ALG.ECC, keyedhash: TPM_ALG.KEYEDHASH } as const;

/** TPMI_ALG_PUBLIC. */
const objectType: Codec<PublicArea['type']> = {
  read(r, field) {
    const offset = r.offset;
    const type = r.u16(field);
    if (type === TPM_ALG.RSA) return 'rsa';
    if (type === TPM_ALG.ECC) return 'ecc';
    if (type === TPM_ALG.KEYEDHASH) return 'keyedhash';
    throw unknownValue('object type', type, { offset, field });
  },
  write: (w, type) => void w.u16(TYPES[type]),
};

/** TPMT_KEYEDHASH_SCHEME: none, or HMAC. */
const hmacScheme: Codec<HashName | null> = {
  read(r, field) {
    const offset = r.offset;
    const id = r.u16(field);
    if (id === TPM_ALG.NULL) return null;
    if (id !== TPM_ALG.HMAC) throw unknownValue('keyed hash scheme', id, { offset, field });
    return hashId.read(r, `${field}.hashAlg`);
  },
  write(w, hash) {
    if (hash === null) return void w.u16(TPM_ALG.NULL);
    hashId.write(w.u16(TPM_ALG.HMAC), hash);
  },
};

/** TPMT_KDF_SCHEME: none, as every template has it. */
const noKdf: Codec<void> = {
  read(r, field) {
    const offset = r.offset;
    const kdf = r.u16(field);
    if (kdf !== TPM_ALG.NULL) throw unknownValue('key derivation scheme', kdf, { offset, field });
  },
  write: (w) => void w.u16(TPM_ALG.NULL),
};

const head = record({
  type: objectType,
  nameAlg: hashId,
  attributes: flags(KNOWN_ATTRIBUTES, 'object attribute'),
  authPolicy: sized(MAX_DIGEST),
});
const keyedHash = record({ hmac: hmacScheme, unique: sized(MAX_DIGEST) });
const rsa = record({ keyBits: u16, exponent: u32, modulus: sized(MAX_MODULUS) });
const eccParameters = record({ curve: curveId, kdf: noKdf });

const publicArea: Codec<PublicArea> = {
  read(r) {
    const { type, ...common } = head.read(r, '');
    switch (type) {
      case 'keyedhash':
        return { type, ...common, ...keyedHash.read(r, '') };
      case 'rsa':
        return { type, ...common, ...readProtection(r, type), ...rsa.read(r, '') };
      case 'ecc':
        return { type, ...common, ...readProtection(r, type), ...readEcc(r) };
    }
  },
  write(w, area) {
    head.write(w, area);
    if (area.type === 'keyedhash') return keyedHash.write(w, area);
    symmetric.write(w, area.symmetric);
    if (area.decryption === undefined) signingScheme.write(w, area.scheme);
    else writeDecryptionScheme(w, area.decryption);
    if (area.type === 'rsa') return rsa.write(w, area);
    eccParameters.write(w, { curve: area.curve, kdf: undefined });
    eccPointOf(area.curve).write(w, area);
  },
};

const tpm2bPublicArea = sizedStructure(publicArea, MAX_PUBLIC);

function readProtection(
  r: ByteReader,
  type: 'rsa' | 'ecc',
): Pick<KeyArea, 'symmetric' | 'scheme'> & { readonly decryption?: DecryptionScheme } {
  const cipher = symmetric.read(r, 'symmetric');
  const offset = r.offset;
  const decryption = readDecryptionScheme(r, 'scheme');
  const scheme = decryption === undefined ? signingScheme.read(r, 'scheme') : null;
  const used = (decryption ?? scheme)?.scheme;
  if (used !== undefined && used.startsWith('ec') !== (type === 'ecc')) {
    const message = `a key of another type cannot be used by ${used}`;
    throw new FormatError('TPM-STRUCTURE', message, { offset, field: 'scheme' });
  }
  return { symmetric: cipher, scheme, ...(decryption === undefined ? {} : { decryption }) };
}

function readEcc(r: ByteReader): Pick<EccPublicArea, 'curve' | 'x' | 'y'> {
  const { curve } = eccParameters.read(r, '');
  return { curve, ...eccPointOf(curve).read(r, 'unique') };
}

function eccPointOf(curve: Curve): Codec<{ readonly x: Uint8Array; readonly y: Uint8Array }> {
  return record({ x: sized(CURVE_SIZES[curve]), y: sized(CURVE_SIZES[curve]) });
}

import type { ByteReader, ByteWriter } from '../../bytes/index.ts';
import { FormatError, type ErrorPlace } from '../../errors/index.ts';
import { hashAlgorithm, hashOfTpmId, type HashName } from '../../hash/index.ts';
import type { Curve } from '../../keys/index.ts';
import type { Codec } from '../codec.ts';
import { TPM_ALG } from '../constants.ts';

/** How a key signs; null is TPM_ALG_NULL: the caller of the TPM chooses, or the key does not sign. */
export interface SigningScheme {
  readonly scheme: 'ecdsa' | 'rsassa' | 'rsapss';
  readonly hash: HashName;
}

/** How a key decrypts, or agrees on a secret; the hash of OAEP, or of what is derived. */
export type DecryptionScheme =
  | { readonly scheme: 'rsaes' }
  | { readonly scheme: 'oaep' | 'ecdh' | 'ecmqv'; readonly hash: HashName };

/** AES in CFB mode, the cipher of every EK template but H-5. */
export interface AesCfb {
  readonly keyBits: 128 | 192 | 256;
}

/** TPMI_ALG_HASH. */
export const hashId: Codec<HashName> = {
  read(r, field) {
    const offset = r.offset;
    const id = r.u16(field);
    try {
      return hashOfTpmId(id).name;
    } catch (error) {
      throw error instanceof FormatError ? new FormatError(error.code, error.message, { offset, field }) : error;
    }
  },
  write: (w, name) => void w.u16(tpmHashId(name)),
};

/** @throws FormatError HASH-UNKNOWN for a hash that no TPM has. */
export function tpmHashId(name: HashName): number {
  const id = hashAlgorithm(name).tpmId;
  if (id === undefined) throw new FormatError('HASH-UNKNOWN', `no TPM has the hash algorithm ${name}`);
  return id;
}

const SCHEME_IDS = { ecdsa: TPM_ALG.ECDSA, rsassa: TPM_ALG.RSASSA, rsapss: TPM_ALG.RSAPSS } as const;

function schemeOfId(id: number, offset: number, field: string): SigningScheme['scheme'] {
  switch (id) {
    case TPM_ALG.ECDSA:
      return 'ecdsa';
    case TPM_ALG.RSASSA:
      return 'rsassa';
    case TPM_ALG.RSAPSS:
      return 'rsapss';
    default:
      throw unknownValue('signing scheme', id, { offset, field });
  }
}

/** TPMI_ALG_SIG_SCHEME of the schemes of `SigningScheme`. */
export const schemeId: Codec<SigningScheme['scheme']> = {
  read(r, field) {
    const offset = r.offset;
    return schemeOfId(r.u16(field), offset, field);
  },
  write: (w, scheme) => void w.u16(SCHEME_IDS[scheme]),
};

/** TPMT_SIG_SCHEME, and the schemes of TPMT_RSA_SCHEME and TPMT_ECC_SCHEME that sign. */
export const signingScheme: Codec<SigningScheme | null> = {
  read(r, field) {
    const offset = r.offset;
    const id = r.u16(field);
    return id === TPM_ALG.NULL
      ? null
      : { scheme: schemeOfId(id, offset, field), hash: hashId.read(r, `${field}.hashAlg`) };
  },
  write(w, value) {
    if (value === null) w.u16(TPM_ALG.NULL);
    else w.u16(SCHEME_IDS[value.scheme]).u16(tpmHashId(value.hash));
  },
};

const DECRYPTION_IDS = { rsaes: TPM_ALG.RSAES, oaep: TPM_ALG.OAEP, ecdh: TPM_ALG.ECDH, ecmqv: TPM_ALG.ECMQV } as const;
const DECRYPTION_SCHEMES = new Map<number, DecryptionScheme['scheme']>([
  [TPM_ALG.RSAES, 'rsaes'],
  [TPM_ALG.OAEP, 'oaep'],
  [TPM_ALG.ECDH, 'ecdh'],
  [TPM_ALG.ECMQV, 'ecmqv'],
]);

/** The schemes of TPMT_RSA_SCHEME and TPMT_ECC_SCHEME that decrypt; undefined, and nothing read, where it is another. */
export function readDecryptionScheme(r: ByteReader, field: string): DecryptionScheme | undefined {
  const scheme = DECRYPTION_SCHEMES.get(((r.bytes[r.offset] ?? 0) << 8) | (r.bytes[r.offset + 1] ?? 0));
  if (scheme === undefined) return undefined;
  r.u16(field);
  return scheme === 'rsaes' ? { scheme } : { scheme, hash: hashId.read(r, `${field}.hashAlg`) };
}

export function writeDecryptionScheme(w: ByteWriter, value: DecryptionScheme): void {
  w.u16(DECRYPTION_IDS[value.scheme]);
  if (value.scheme !== 'rsaes') hashId.write(w, value.hash);
}

/** TPMT_SYM_DEF_OBJECT. */
export const symmetric: Codec<AesCfb | null> = {
  read(r, field) {
    const offset = r.offset;
    const place = { offset, field };
    const id = r.u16(field);
    if (id === TPM_ALG.NULL) return null;
    if (id !== TPM_ALG.AES) throw unknownValue('symmetric algorithm', id, place);
    const keyBits = r.u16(`${field}.keyBits`);
    const mode = r.u16(`${field}.mode`);
    if (keyBits !== 128 && keyBits !== 192 && keyBits !== 256) throw unknownValue('AES key size', keyBits, place);
    if (mode !== TPM_ALG.CFB) throw unknownValue('AES mode', mode, place);
    return { keyBits };
  },
  write(w, value) {
    if (value === null) w.u16(TPM_ALG.NULL);
    else w.u16(TPM_ALG.AES).u16(value.keyBits).u16(TPM_ALG.CFB);
  },
};

const CURVE_OF_ID = new Map<number, Curve>([
  [0x0003, 'p256'],
  [0x0004, 'p384'],
  [0x0005, 'p521'],
]);
const ID_OF_CURVE: Readonly<Record<Curve, number>> = { p256: 0x0003, p384: 0x0004, p521: 0x0005 };

/** TPMI_ECC_CURVE: the NIST curves of 128 bits of security and more. */
export const curveId: Codec<Curve> = {
  read(r, field) {
    const offset = r.offset;
    const id = r.u16(field);
    const curve = CURVE_OF_ID.get(id);
    if (curve === undefined) throw unknownValue('curve', id, { offset, field });
    return curve;
  },
  write: (w, curve) => void w.u16(ID_OF_CURVE[curve]),
};

/** One word of flags; bits outside `known` are reserved and must be zero. */
export function flags(known: number, what: string): Codec<number> {
  return {
    read(r, field) {
      const offset = r.offset;
      const value = r.u32(field);
      const reserved = (value & ~known) >>> 0;
      if (reserved !== 0) throw unknownValue(what, reserved, { offset, field });
      return value;
    },
    write: (w, value) => void w.u32(value),
  };
}

/** TPMI_YES_NO. */
export const yesNo: Codec<boolean> = {
  read(r, field) {
    const offset = r.offset;
    const value = r.u8(field);
    if (value > 1) throw new FormatError('TPM-STRUCTURE', `${field} is ${value}, not 0 or 1`, { offset, field });
    return value === 1;
  },
  write: (w, value) => void w.u8(value ? 1 : 0),
};

export function unknownValue(what: string, value: number, place: ErrorPlace): FormatError {
  return new FormatError('TPM-STRUCTURE', `${what} 0x${value.toString(16)} is not known`, place);
}

import { FormatError } from '../../errors/index.ts';
import { hashAlgorithm, hashOfTpmId, type HashName } from '../../hash/index.ts';
import type { Curve } from '../../keys/index.ts';
import type { Codec } from '../codec.ts';
import { TPM_ALG } from '../constants.ts';

/** How a key signs; null is TPM_ALG_NULL: the caller of the TPM chooses, or the key does not sign. */
export interface SigningScheme {
  readonly scheme: 'ecdsa' | 'rsassa' | 'rsapss';
  readonly hash: HashName;
}

/** AES in CFB mode, the only cipher that the EK templates of this slice use. */
export interface AesCfb {
  readonly keyBits: 128 | 192 | 256;
}

/** TPMI_ALG_HASH. */
export const hashId: Codec<HashName> = {
  read: (r, field) => hashOfTpmId(r.u16(field)).name,
  write: (w, name) => void w.u16(tpmHashId(name)),
};

/** @throws FormatError HASH-UNKNOWN for a hash that no TPM has. */
export function tpmHashId(name: HashName): number {
  const id = hashAlgorithm(name).tpmId;
  if (id === undefined) throw new FormatError('HASH-UNKNOWN', `no TPM has the hash algorithm ${name}`);
  return id;
}

export const SCHEME_IDS = { ecdsa: TPM_ALG.ECDSA, rsassa: TPM_ALG.RSASSA, rsapss: TPM_ALG.RSAPSS } as const;

/** @throws FormatError TPM-STRUCTURE */
export function schemeOfId(id: number, offset: number): SigningScheme['scheme'] {
  switch (id) {
    case TPM_ALG.ECDSA:
      return 'ecdsa';
    case TPM_ALG.RSASSA:
      return 'rsassa';
    case TPM_ALG.RSAPSS:
      return 'rsapss';
    default:
      throw unknownValue('signing scheme', id, offset);
  }
}

/** TPMT_SIG_SCHEME, and the schemes of TPMT_RSA_SCHEME and TPMT_ECC_SCHEME that sign. */
export const signingScheme: Codec<SigningScheme | null> = {
  read(r, field) {
    const offset = r.offset;
    const id = r.u16(field);
    return id === TPM_ALG.NULL ? null : { scheme: schemeOfId(id, offset), hash: hashId.read(r, `${field} hash`) };
  },
  write(w, value) {
    if (value === null) w.u16(TPM_ALG.NULL);
    else w.u16(SCHEME_IDS[value.scheme]).u16(tpmHashId(value.hash));
  },
};

/** TPMT_SYM_DEF_OBJECT. */
export const symmetric: Codec<AesCfb | null> = {
  read(r, field) {
    const offset = r.offset;
    const id = r.u16(field);
    if (id === TPM_ALG.NULL) return null;
    if (id !== TPM_ALG.AES) throw unknownValue('symmetric algorithm', id, offset);
    const keyBits = r.u16(`${field} key size`);
    const mode = r.u16(`${field} mode`);
    if (keyBits !== 128 && keyBits !== 192 && keyBits !== 256) throw unknownValue('AES key size', keyBits, offset);
    if (mode !== TPM_ALG.CFB) throw unknownValue('AES mode', mode, offset);
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
    if (curve === undefined) throw unknownValue('curve', id, offset);
    return curve;
  },
  write: (w, curve) => void w.u16(ID_OF_CURVE[curve]),
};

export function unknownValue(what: string, value: number, offset: number): FormatError {
  return new FormatError('TPM-STRUCTURE', `${what} 0x${value.toString(16)} is not known`, { offset });
}

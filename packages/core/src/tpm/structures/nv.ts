import { concat } from '../../bytes/index.ts';
import type { Hasher, HashName } from '../../hash/index.ts';
import { decode, encode, record, sized, sizedStructure, u16, u32, type Values } from '../codec.ts';
import { MAX_DIGEST } from '../constants.ts';
import { flags, hashId } from './algorithms.ts';

/** TPMA_NV (TPM 2.0 Part 2, clause 13.4). */
export const NV = {
  PP_WRITE: 0x1,
  OWNER_WRITE: 0x2,
  AUTH_WRITE: 0x4,
  POLICY_WRITE: 0x8,
  /** TPM_NT in bits 4 to 7: what the index is. */
  COUNTER: 0x10,
  BITS: 0x20,
  EXTEND: 0x40,
  PIN_FAIL: 0x80,
  POLICY_DELETE: 0x400,
  WRITE_LOCKED: 0x800,
  WRITE_ALL: 0x1000,
  WRITE_DEFINE: 0x2000,
  WRITE_STCLEAR: 0x4000,
  GLOBAL_LOCK: 0x8000,
  PP_READ: 0x10000,
  OWNER_READ: 0x20000,
  AUTH_READ: 0x40000,
  POLICY_READ: 0x80000,
  NO_DA: 0x2000000,
  ORDERLY: 0x4000000,
  CLEAR_STCLEAR: 0x8000000,
  READ_LOCKED: 0x10000000,
  WRITTEN: 0x20000000,
  PLATFORM_CREATE: 0x40000000,
  READ_STCLEAR: 0x80000000,
} as const;

const KNOWN = Object.values(NV).reduce((all, bit) => (all | bit) >>> 0, 0);
const MAX_NV_PUBLIC = 14 + MAX_DIGEST;

const fields = {
  index: u32,
  nameAlg: hashId,
  /** TPMA_NV bits, see NV. */
  attributes: flags(KNOWN, 'NV attribute'),
  authPolicy: sized(MAX_DIGEST),
  /** In bytes. */
  dataSize: u16,
} as const;

/** TPMS_NV_PUBLIC (TPM 2.0 Part 2, clause 13.5). */
export type NvPublic = Values<typeof fields>;

const nvPublic = record(fields);
/** TPM2B_NV_PUBLIC. */
export const sizedNvPublic = sizedStructure(nvPublic, MAX_NV_PUBLIC);

/** @param bytes TPM2B_NV_PUBLIC. @throws FormatError BYTES-*, HASH-UNKNOWN, TPM-STRUCTURE */
export function parseNvPublic(bytes: Uint8Array): NvPublic {
  return decode(sizedNvPublic, bytes, 'TPM2B_NV_PUBLIC');
}

/** Name of an NV index; the attribute WRITTEN is in it, so the first write changes it (TPM 2.0 Part 1, clause 16). */
export function nvName(hasher: Hasher, index: NvPublic): Uint8Array<ArrayBuffer> {
  const name: HashName = index.nameAlg;
  return concat([encode(hashId, name), hasher.digest(name, encode(nvPublic, index))]);
}

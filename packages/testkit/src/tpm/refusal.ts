import { FormatError } from '@assay/core/errors';

/** Ends a command: the response holds nothing but this code. */
export class Refusal extends Error {
  readonly responseCode: number;

  constructor(responseCode: number) {
    super(`response code 0x${responseCode.toString(16)}`);
    this.responseCode = responseCode;
  }
}

/** TPM_RC (TPM 2.0 Part 2, clause 6.6): errors that say what they are about get it added by the functions below. */
export const RC = {
  ATTRIBUTES: 0x082,
  HASH: 0x083,
  VALUE: 0x084,
  HIERARCHY: 0x085,
  TYPE: 0x08a,
  HANDLE: 0x08b,
  AUTH_FAIL: 0x08e,
  NONCE: 0x08f,
  SCHEME: 0x092,
  SIZE: 0x095,
  SYMMETRIC: 0x096,
  INSUFFICIENT: 0x09a,
  KEY: 0x09c,
  POLICY_FAIL: 0x09d,
  INTEGRITY: 0x09f,
  BAD_AUTH: 0x0a2,
  BINDING: 0x0a5,
  ECC_POINT: 0x0a7,
  BAD_TAG: 0x01e,
  INITIALIZE: 0x100,
  AUTH_MISSING: 0x125,
  AUTH_UNAVAILABLE: 0x12f,
  COMMAND_SIZE: 0x142,
  COMMAND_CODE: 0x143,
  AUTHSIZE: 0x144,
  AUTH_CONTEXT: 0x145,
  OBJECT_MEMORY: 0x902,
  SESSION_MEMORY: 0x903,
  LOCALITY: 0x907,
  REFERENCE_H0: 0x910,
  REFERENCE_S0: 0x918,
} as const;

/** @param index of the handle, from 0 */
export function aboutHandle(code: number, index: number): Refusal {
  return new Refusal(code + ((index + 1) << 8));
}

/** @param index of the session, from 0 */
export function aboutSession(code: number, index: number): Refusal {
  return new Refusal(code + 0x800 + ((index + 1) << 8));
}

/** @param index of the parameter, from 0 */
export function aboutParameter(code: number, index: number): Refusal {
  return new Refusal(code + 0x40 + ((index + 1) << 8));
}

const CODES = new Map<string, number>([
  ['BYTES-TRUNCATED', RC.INSUFFICIENT],
  ['BYTES-LIMIT', RC.SIZE],
  ['BYTES-TRAILING', RC.SIZE],
  ['HASH-UNKNOWN', RC.HASH],
]);

/** What a TPM says of bytes that cannot be read. */
export function codeOfFormatError(error: FormatError): number {
  return CODES.get(error.code) ?? RC.VALUE;
}

/** Reads a structure inside a parameter; what cannot be read is a fault of that parameter. */
export function readingParameter<T>(index: number, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof FormatError) throw aboutParameter(codeOfFormatError(error), index);
    throw error;
  }
}

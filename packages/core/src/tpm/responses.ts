import { ByteReader } from '../bytes/index.ts';
import { SystemError } from '../errors/index.ts';

/** TPM_RC values that a client treats by themselves (TPM 2.0 Part 2, clause 6.6). */
export const TPM_RC = {
  SUCCESS: 0x000,
  INITIALIZE: 0x100,
  PCR_CHANGED: 0x128,
  OBJECT_MEMORY: 0x902,
  SESSION_MEMORY: 0x903,
  YIELDED: 0x908,
  TESTING: 0x90a,
  RETRY: 0x922,
} as const;

/** Errors about a handle, session or parameter: the six low bits of a format-one code. */
const FORMAT_ONE = new Map<number, string>([
  [0x01, 'ASYMMETRIC: asymmetric algorithm not supported'],
  [0x02, 'ATTRIBUTES: inconsistent attributes'],
  [0x03, 'HASH: hash algorithm not supported'],
  [0x04, 'VALUE: value out of range or not right here'],
  [0x05, 'HIERARCHY: hierarchy not enabled or not right here'],
  [0x07, 'KEY_SIZE: key size not supported'],
  [0x08, 'MGF: mask generation function not supported'],
  [0x09, 'MODE: mode of operation not supported'],
  [0x0a, 'TYPE: type of value not right here'],
  [0x0b, 'HANDLE: handle not right here'],
  [0x0c, 'KDF: key derivation function not supported'],
  [0x0d, 'RANGE: value out of range'],
  [0x0e, 'AUTH_FAIL: authorization failed and is counted against guessing'],
  [0x0f, 'NONCE: invalid nonce'],
  [0x10, 'PP: physical presence needed'],
  [0x12, 'SCHEME: signing scheme not supported or not that of the key'],
  [0x15, 'SIZE: structure of the wrong size'],
  [0x16, 'SYMMETRIC: symmetric algorithm not supported'],
  [0x17, 'TAG: wrong structure tag'],
  [0x18, 'SELECTOR: wrong union selector'],
  [0x1a, 'INSUFFICIENT: structure ends early'],
  [0x1b, 'SIGNATURE: signature not valid'],
  [0x1c, 'KEY: key fields do not fit each other or this use'],
  [0x1d, 'POLICY_FAIL: policy not satisfied'],
  [0x1f, 'INTEGRITY: integrity check failed'],
  [0x20, 'TICKET: ticket not valid'],
  [0x21, 'RESERVED_BITS: reserved bits are set'],
  [0x22, 'BAD_AUTH: authorization failed'],
  [0x23, 'EXPIRED: policy expired'],
  [0x24, 'POLICY_CC: policy is for another command'],
  [0x25, 'BINDING: public and sensitive parts do not belong together'],
  [0x26, 'CURVE: curve not supported'],
  [0x27, 'ECC_POINT: point not on the curve'],
]);

const FORMAT_ZERO = new Map<number, string>([
  [0x01e, 'BAD_TAG: a TPM 1.2, which does not know the command'],
  [0x100, 'INITIALIZE: not started, or started already'],
  [0x101, 'FAILURE: failure mode; the TPM needs a reset'],
  [0x103, 'SEQUENCE: improper use of a sequence'],
  [0x120, 'DISABLED: command disabled'],
  [0x121, 'EXCLUSIVE: an exclusive audit session is open'],
  [0x124, 'AUTH_TYPE: authorization of the wrong type'],
  [0x125, 'AUTH_MISSING: authorization missing'],
  [0x126, 'POLICY: policy failure in hierarchy'],
  [0x127, 'PCR: PCR check failed'],
  [0x128, 'PCR_CHANGED: PCRs changed since they were checked'],
  [0x12d, 'UPGRADE: field upgrade in progress'],
  [0x12e, 'TOO_MANY_CONTEXTS: context counter exhausted'],
  [0x12f, 'AUTH_UNAVAILABLE: authorization not usable for this object'],
  [0x130, 'REBOOT: the TPM needs a restart'],
  [0x142, 'COMMAND_SIZE: command size does not match its header'],
  [0x143, 'COMMAND_CODE: command not supported'],
  [0x144, 'AUTHSIZE: size of the authorization area out of range'],
  [0x145, 'AUTH_CONTEXT: authorizations where none are allowed'],
  [0x146, 'NV_RANGE: NV offset out of range'],
  [0x14a, 'NV_UNINITIALIZED: NV index not written yet'],
  [0x14b, 'NV_SPACE: no NV space left'],
  [0x901, 'CONTEXT_GAP: context gap too large'],
  [0x902, 'OBJECT_MEMORY: no room for another object; flush one'],
  [0x903, 'SESSION_MEMORY: no room for another session; flush one'],
  [0x904, 'MEMORY: out of memory'],
  [0x905, 'SESSION_HANDLES: no session handle left'],
  [0x906, 'OBJECT_HANDLES: no object handle left'],
  [0x907, 'LOCALITY: wrong locality'],
  [0x908, 'YIELDED: suspended; send again'],
  [0x909, 'CANCELED: canceled'],
  [0x90a, 'TESTING: self-test running; send again'],
  [0x920, 'NV_RATE: NV writes are limited at the moment'],
  [0x921, 'LOCKOUT: locked against guessing; wait or reset the lockout'],
  [0x922, 'RETRY: not ready; send again'],
  [0x923, 'NV_UNAVAILABLE: NV not available at the moment'],
]);

/** A response code in words, with what it is about: handle, session or parameter N, counted from 1. */
export function describeResponseCode(rc: number): string {
  const hex = `0x${rc.toString(16).padStart(3, '0')}`;
  if (rc === TPM_RC.SUCCESS) return `success (${hex})`;
  // Bit 7: format one, which says what it is about. Bit 6: a parameter. Else bit 11: a session, or a handle.
  if ((rc & 0x80) === 0) {
    const handle = [...Array(7).keys()].find((index) => rc === 0x910 + index);
    if (handle !== undefined) return `REFERENCE_H${handle}: handle ${handle + 1} names nothing loaded (${hex})`;
    const session = [...Array(7).keys()].find((index) => rc === 0x918 + index);
    if (session !== undefined) return `REFERENCE_S${session}: session ${session + 1} names nothing loaded (${hex})`;
    return `${FORMAT_ZERO.get(rc) ?? 'unknown response code'} (${hex})`;
  }
  return `${FORMAT_ONE.get(rc & 0x3f) ?? 'unknown response code'} (${hex}${subject(rc)})`;
}

function subject(rc: number): string {
  const number = (rc >> 8) & 0xf;
  if ((rc & 0x40) !== 0) return `, parameter ${number}`;
  if (number === 0) return '';
  return number > 8 ? `, session ${number - 8}` : `, handle ${number}`;
}

/** The TPM answered with an error. */
export class TpmResponseError extends SystemError {
  readonly responseCode: number;

  constructor(command: string, responseCode: number) {
    super('TPM-RESPONSE', `${command}: ${describeResponseCode(responseCode)}`);
    this.responseCode = responseCode;
  }
}

/**
 * The code in the header of a response.
 * @throws FormatError BYTES-TRUNCATED
 */
export function responseCodeOf(response: Uint8Array): number {
  const header = new ByteReader(response, 'TPM response');
  header.u16('tag');
  header.u32('responseSize');
  return header.u32('responseCode');
}

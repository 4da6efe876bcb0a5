import { equalBytes } from '@assay/core/bytes';
import { NO_SENSITIVE, OBJECT, parsePublic, TPM_ALG, type EccPublicArea, type ParsedPublic } from '@assay/core/tpm';
import { aboutParameter, RC, readingParameter } from './refusal.ts';

const STAYS_HERE = OBJECT.FIXED_TPM | OBJECT.FIXED_PARENT;

/**
 * The template of a key that this TPM can make: ECC P-256 with names by SHA-256, which never leaves the TPM.
 * @param parameter index of TPM2B_PUBLIC among the parameters of the command
 * @throws Refusal TYPE, HASH, ATTRIBUTES, SYMMETRIC, SCHEME, SIZE
 */
export function readTemplate(inPublic: Uint8Array, parameter: number): ParsedPublic & EccPublicArea {
  if (inPublic[2] === 0 && inPublic[3] === TPM_ALG.RSA) throw aboutParameter(RC.TYPE, parameter);
  const area = readingParameter(parameter, () => parsePublic(inPublic));
  const reason = faultOf(area);
  if (reason !== null) throw aboutParameter(reason, parameter);
  if (area.type !== 'ecc') throw aboutParameter(RC.TYPE, parameter);
  return area;
}

/** No password and no data of the caller's: this TPM keeps keys only, and all of them with the empty password. */
export function requireNoSensitive(inSensitive: Uint8Array, parameter: number): void {
  if (!equalBytes(inSensitive, NO_SENSITIVE)) throw aboutParameter(RC.SIZE, parameter);
}

function faultOf(area: ParsedPublic): number | null {
  const has = (bit: number): boolean => (area.attributes & bit) !== 0;
  if (area.type !== 'ecc' || area.curve !== 'p256') return RC.VALUE;
  if (area.nameAlg !== 'sha256') return RC.HASH;
  if (area.authPolicy.length !== 0 && area.authPolicy.length !== 32) return RC.SIZE;
  if ((area.attributes & STAYS_HERE) !== STAYS_HERE || !has(OBJECT.SENSITIVE_DATA_ORIGIN)) return RC.ATTRIBUTES;
  if (has(OBJECT.SIGN) === has(OBJECT.DECRYPT)) return RC.ATTRIBUTES;
  if ((has(OBJECT.RESTRICTED) && has(OBJECT.DECRYPT)) !== (area.symmetric !== null)) return RC.SYMMETRIC;
  if (has(OBJECT.DECRYPT) ? area.scheme !== null : has(OBJECT.RESTRICTED) && area.scheme === null) return RC.SCHEME;
  return null;
}

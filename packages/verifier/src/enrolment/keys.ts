import { fromBase64, toHex } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import {
  checkAttestationKey,
  checkEndorsementKey,
  encodePublic,
  parsePublic,
  type VerifiedAttestationKey,
  type VerifiedEndorsementKey,
} from '@assay/core/tpm';
import type { EnrolRequest } from '@assay/wire';

/** The two keys of an enrolment, checked, with the bytes that they came in. */
export interface EnrolledKeys {
  readonly ek: VerifiedEndorsementKey;
  readonly ak: VerifiedAttestationKey;
  /** TPM2B_PUBLIC of each. */
  readonly ekPublic: Uint8Array;
  readonly akPublic: Uint8Array;
}

/** @throws FormatError, VerificationError EK-UNTRUSTED or AK-ATTRIBUTES */
export function checkKeys(request: Pick<EnrolRequest, 'ekPublic' | 'akPublic'>): EnrolledKeys {
  const ekPublic = fromBase64(request.ekPublic);
  const akPublic = fromBase64(request.akPublic);
  const ek = checkEndorsementKey(parsePublic(ekPublic));
  const ak = checkAttestationKey(parsePublic(akPublic), nodeHasher);
  return { ek, ak, ekPublic, akPublic };
}

/** Size field of a TPM2B. */
const SIZE_FIELD = 2;

/**
 * First 16 hexadecimal digits of SHA-256 over the TPMT_PUBLIC of the endorsement key, its coordinates padded: TPMs differ
 * in whether they write leading zeros, and one key must not be two hosts.
 */
export function hostIdOf({ public: area, key }: VerifiedEndorsementKey): string {
  const padded = area.type === 'ecc' && key.kind === 'ecc' ? { ...area, x: key.x, y: key.y } : area;
  return toHex(nodeHasher.digest('sha256', encodePublic(padded).subarray(SIZE_FIELD))).slice(0, 16);
}

import { fromBase64 } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import {
  checkAttestationKey,
  checkEndorsementKey,
  parsePublic,
  type VerifiedAttestationKey,
  type VerifiedEndorsementKey,
} from '@assay/core/tpm';
import type { EnrolRequest } from '@assay/wire';
import { ekDigest } from './ek-digest.ts';

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

/** First 16 hexadecimal digits of the digest of the endorsement key. */
export function hostIdOf({ public: area }: VerifiedEndorsementKey): string {
  return ekDigest(area).slice(0, 16);
}

import type { Appraisal } from './appraise.ts';
import { worstTier } from './vector.ts';

/** A result that is not signed yet. Times are whole seconds since 1970. */
export interface AttestationResult {
  readonly issuedAt: number;
  readonly expiresAt: number;
  readonly verifier: { readonly developer: string; readonly build: string };
  /** What the reader of the result asked with: base64url of 8 to 64 bytes. */
  readonly nonce?: string;
  readonly appraisals: Readonly<Record<string, Appraisal>>;
  /** Facts beside the appraisals, under a name that cannot collide. */
  readonly host: Readonly<Record<string, string | number | null>>;
}

/** The two ways to write the same content: `ietf` is draft-ietf-rats-ear-03, `veraison` what Veraison's tools read. */
export const EAR_PROFILES = {
  ietf: 'tag:ietf.org,2026:rats/ear#03',
  veraison: 'tag:github.com,2023:veraison/ear',
} as const;
export type EarProfile = keyof typeof EAR_PROFILES;

/** Name of our own claim about the host (RFC 7519, section 4.2: collision-resistant). */
export const HOST_CLAIM = 'tag:assay,2026:host';

/** Claims of a JWT, ready to be signed. */
export function earClaims(result: AttestationResult, profile: EarProfile): Record<string, unknown> {
  return profile === 'ietf' ? ietfClaims(result) : veraisonClaims(result);
}

function ietfClaims(result: AttestationResult): Record<string, unknown> {
  return {
    ...commonClaims(result, 'ietf'),
    ear_status: worstTier(Object.values(result.appraisals).map(({ status }) => status)),
    ear_verifier_id: result.verifier,
    submods: mapped(result.appraisals, ({ status, vector, policyIds }) => ({
      ear_status: status,
      ear_trustworthiness_vector: vector,
      ...(policyIds === undefined ? {} : { ear_appraisal_policy_ids: policyIds }),
    })),
  };
}

function veraisonClaims(result: AttestationResult): Record<string, unknown> {
  return {
    ...commonClaims(result, 'veraison'),
    'ear.verifier-id': result.verifier,
    submods: mapped(result.appraisals, ({ status, vector, policyIds }) => ({
      'ear.status': status,
      'ear.trustworthiness-vector': vector,
      ...(policyIds === undefined ? {} : { 'ear.appraisal-policy-id': policyIds[0] }),
    })),
  };
}

function commonClaims(result: AttestationResult, profile: EarProfile): Record<string, unknown> {
  return {
    eat_profile: EAR_PROFILES[profile],
    iat: result.issuedAt,
    exp: result.expiresAt,
    ...(result.nonce === undefined ? {} : { eat_nonce: result.nonce }),
    [HOST_CLAIM]: result.host,
  };
}

function mapped(
  appraisals: AttestationResult['appraisals'],
  write: (appraisal: Appraisal) => Record<string, unknown>,
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(appraisals).map(([label, appraisal]) => [label, write(appraisal)]));
}

import { isMembers, type Members } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import type { Appraisal } from './appraise.ts';
import { EAR_PROFILES, HOST_CLAIM, type EarProfile } from './claims.ts';
import {
  CLAIMS,
  isTier,
  TIERS,
  worstOfVector,
  worstTier,
  type ClaimName,
  type Tier,
  type TrustVector,
} from './vector.ts';

/** An attestation result as it was read; nothing is said yet about who signed it and whether it still holds. */
export interface ParsedResult {
  readonly profile: EarProfile;
  /** Whole seconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number | undefined;
  readonly verifier: { readonly developer: string; readonly build: string };
  readonly nonces: readonly string[];
  /** The worst of all appraisals, or what the token says of the whole if that is worse. */
  readonly status: Tier;
  readonly appraisals: ReadonlyMap<string, Appraisal>;
  /** Our own claim about the host; empty in results of other verifiers. */
  readonly host: Members;
}

const MOST_SUBMODS = 64;
const MOST_POLICIES = 64;
const LONGEST_TEXT = 1024;
/** base64url of 8 to 64 bytes (draft-ietf-rats-ear, section 3). */
const NONCE = /^[A-Za-z0-9_-]{11,86}={0,2}$/;

const NAMES = {
  ietf: {
    status: 'ear_status',
    vector: 'ear_trustworthiness_vector',
    verifier: 'ear_verifier_id',
    policies: 'ear_appraisal_policy_ids',
  },
  veraison: {
    status: 'ear.status',
    vector: 'ear.trustworthiness-vector',
    verifier: 'ear.verifier-id',
    policies: 'ear.appraisal-policy-id',
  },
} as const;

/** The same claims under the name that Trustee gives its profile. */
const TRUSTEE_PROFILE = 'tag:github.com,2024:confidential-containers/Trustee';

/**
 * Reads the claims of a JWT as an EAT attestation result, in either dialect. Claims that are not known are passed over, as
 * the draft wants it; those that are known must be what it says.
 * @throws FormatError TOKEN-FORM with the claim as `field`
 */
export function readResult(claims: unknown): ParsedResult {
  const members = membersOf(claims, 'the claims');
  const profile = profileOf(members['eat_profile']);
  const names = NAMES[profile];
  const submods = Object.entries(membersOf(members['submods'], 'submods'));
  if (submods.length === 0 || submods.length > MOST_SUBMODS) throw wrong('submods', `are not 1 to ${MOST_SUBMODS}`);
  const appraisals = new Map(submods.map(([label, value]) => [text(label, 'submods'), appraisalOf(value, profile)]));
  const said = members[names.status] === undefined ? 'none' : tier(members[names.status], names.status);
  const developerAndBuild = membersOf(members[names.verifier], names.verifier);
  return {
    profile,
    issuedAt: seconds(members['iat'], 'iat'),
    expiresAt: members['exp'] === undefined ? undefined : seconds(members['exp'], 'exp'),
    verifier: {
      developer: text(developerAndBuild['developer'], `${names.verifier}.developer`),
      build: text(developerAndBuild['build'], `${names.verifier}.build`),
    },
    nonces: noncesOf(members['eat_nonce']),
    status: worstTier([said, ...Array.from(appraisals.values(), ({ status }) => status)]),
    appraisals,
    host: members[HOST_CLAIM] === undefined ? {} : membersOf(members[HOST_CLAIM], HOST_CLAIM),
  };
}

function profileOf(value: unknown): EarProfile {
  if (value === EAR_PROFILES.ietf) return 'ietf';
  if (value === EAR_PROFILES.veraison || value === TRUSTEE_PROFILE) return 'veraison';
  throw wrong('eat_profile', 'is none of an attestation result that is known here');
}

function appraisalOf(value: unknown, profile: EarProfile): Appraisal {
  const names = NAMES[profile];
  const members = membersOf(value, 'submods');
  const status = tier(members[names.status], names.status);
  const vector = members[names.vector] === undefined ? {} : vectorOf(members[names.vector], names.vector);
  // Section 3.2: no higher trust than the worst claim.
  if (TIERS.indexOf(status) < TIERS.indexOf(worstOfVector(vector))) {
    throw wrong(names.status, 'is better than the worst claim beside it');
  }
  const policies = members[names.policies];
  if (policies === undefined) return { status, vector };
  const list: unknown[] = Array.isArray(policies) ? policies : [policies];
  if (list.length === 0 || list.length > MOST_POLICIES) throw wrong(names.policies, `are not 1 to ${MOST_POLICIES}`);
  return { status, vector, policyIds: list.map((id) => text(id, names.policies)) };
}

function vectorOf(value: unknown, field: string): TrustVector {
  const members = membersOf(value, field);
  const vector: Partial<Record<ClaimName, number>> = {};
  for (const name of CLAIMS) {
    const claim = members[name];
    if (claim === undefined) continue;
    if (typeof claim !== 'number' || !Number.isInteger(claim) || claim < -128 || claim > 127) {
      throw wrong(`${field}.${name}`, 'is no whole number from -128 to 127');
    }
    vector[name] = claim;
  }
  return vector;
}

function noncesOf(value: unknown): readonly string[] {
  if (value === undefined) return [];
  const list: unknown[] = Array.isArray(value) ? value : [value];
  if (list.length === 0 || list.length > MOST_POLICIES) throw wrong('eat_nonce', 'is an empty or overlong list');
  return list.map((nonce) => {
    if (typeof nonce !== 'string' || !NONCE.test(nonce)) throw wrong('eat_nonce', 'is not base64url of 8 to 64 bytes');
    return nonce;
  });
}

/** Sections 3 and 4: a receiver takes times in floating point for an error. */
function seconds(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value;
  throw wrong(field, 'is no whole number of seconds');
}

function tier(value: unknown, field: string): Tier {
  if (isTier(value)) return value;
  throw wrong(field, `is none of ${TIERS.join(', ')}`);
}

function text(value: unknown, field: string): string {
  if (typeof value === 'string' && value.length > 0 && value.length <= LONGEST_TEXT) return value;
  throw wrong(field, `is no text of 1 to ${LONGEST_TEXT} characters`);
}

function membersOf(value: unknown, field: string): Members {
  if (isMembers(value)) return value;
  throw wrong(field, 'is no object');
}

function wrong(field: string, what: string): FormatError {
  return new FormatError('TOKEN-FORM', `${field} ${what}`, { field });
}

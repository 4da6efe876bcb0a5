import type { FindingCode } from '../errors/index.ts';
import type { OpenFinding, Verdict } from '../verdict/index.ts';
import { CLAIM_VALUES, worseValue, worstOfVector, type ClaimName, type Tier, type TrustVector } from './vector.ts';

/** Labels of the submodules of our results; they keep their meaning for ever (draft-ietf-rats-ear, section 3). */
export const SUBMODS = { platform: 'platform', list: 'linux-ima' } as const;
export type Submod = (typeof SUBMODS)[keyof typeof SUBMODS];

/** What is said of one attester. */
export interface Appraisal {
  readonly status: Tier;
  readonly vector: TrustVector;
  /** The documents that it was compared with, in the order of their use; never empty, left out for none. */
  readonly policyIds?: readonly string[];
}

export interface AppraisalFacts {
  readonly verdict: Verdict;
  /** Whether a certificate of a known maker stands behind the endorsement key, or who registered it; false: trusted on first use. */
  readonly endorsed: boolean;
  readonly openFindings: readonly OpenFinding[];
  /** Identifier of the reference values that decided; null for none. */
  readonly reference: string | null;
}

/**
 * A verdict in the words of AR4SI. A host whose evidence is old or missing, or that was compared with nothing, gets no
 * claim at all: silence is no assertion, and no assertion is never affirming.
 */
export function appraise({ verdict, endorsed, openFindings, reference }: AppraisalFacts): Record<Submod, Appraisal> {
  const vectors: Record<Submod, Partial<Record<ClaimName, number>>> = {
    [SUBMODS.platform]: { 'instance-identity': verdict !== 'pending' && endorsed ? CLAIM_VALUES.approved : 0 },
    [SUBMODS.list]: { executables: verdict === 'trusted' ? CLAIM_VALUES.approved : 0 },
  };
  for (const finding of openFindings) {
    for (const { submod, claim, value } of claimsOf(finding)) {
      const vector = vectors[submod];
      vector[claim] = worseValue(vector[claim] ?? CLAIM_VALUES.noAssertion, value);
    }
  }
  const policyIds = reference === null ? {} : { policyIds: [reference] };
  return {
    [SUBMODS.platform]: withStatus(vectors[SUBMODS.platform]),
    [SUBMODS.list]: { ...withStatus(vectors[SUBMODS.list]), ...policyIds },
  };
}

function withStatus(vector: TrustVector): Appraisal {
  return { status: worstOfVector(vector), vector };
}

interface Claim {
  readonly submod: Submod;
  readonly claim: ClaimName;
  readonly value: number;
}

const { knownVulnerable, unrecognized, contraindicated, notRecognized, cryptographyFailed, unknownElements } =
  CLAIM_VALUES;

/** Findings that leave nothing of the evidence to rely on: 99 in each claim that it carried. */
const BROKEN: ReadonlySet<FindingCode> = new Set([
  'QUOTE-SIGNATURE',
  'QUOTE-NONCE',
  'QUOTE-MAGIC',
  'QUOTE-SELECTION',
  'QUOTE-PCR-DIGEST',
  'ATTEST-SUBJECT',
  'EVIDENCE-FORMAT',
  'BOOT-EVENTLOG',
  'IMA-TEMPLATE-DIGEST',
  'IMA-REPLAY',
]);

/** What a finding says in a claim, by its severity. */
interface Meaning {
  readonly claim: ClaimName;
  readonly warning: number;
  readonly failed: number;
}

const PROGRAMS: Meaning = { claim: 'executables', warning: unrecognized, failed: contraindicated };
const FILES: Meaning = { claim: 'file-system', warning: knownVulnerable, failed: contraindicated };
const SETTINGS: Meaning = { claim: 'configuration', warning: knownVulnerable, failed: contraindicated };
const STRANGER: Meaning = { claim: 'instance-identity', warning: notRecognized, failed: notRecognized };
const IMPOSTOR: Meaning = { claim: 'instance-identity', warning: contraindicated, failed: contraindicated };
/** Who else asks may be wrong, so it takes nothing from the host but that all is well. */
const DISPUTED: Meaning = { claim: 'instance-identity', warning: unrecognized, failed: contraindicated };
const GAP: Meaning = { claim: 'executables', warning: cryptographyFailed, failed: cryptographyFailed };

/** All others speak of what ran. */
const MEANINGS: Readonly<Partial<Record<FindingCode, Meaning>>> = {
  'QUOTE-CLOCK-BACK': GAP,
  'IMA-LOG-SHORT': GAP,
  'IMA-LOG-TRIMMED': GAP,
  'IMA-LOG-GAP': GAP,
  'BOOT-AGGREGATE': GAP,
  'AK-UNKNOWN': STRANGER,
  'AK-ATTRIBUTES': IMPOSTOR,
  'EK-UNTRUSTED': STRANGER,
  'EK-CERTIFICATE': STRANGER,
  'CERT-CHAIN': STRANGER,
  'CERT-SIGNATURE': STRANGER,
  'CERT-VALIDITY': STRANGER,
  'CERT-AUTHORITY': STRANGER,
  'CERT-EXTENSION': STRANGER,
  'CERT-NAME': STRANGER,
  'CERT-USE': STRANGER,
  'CERT-ALGORITHM': STRANGER,
  'HOST-DUPLICATE': DISPUTED,
  'EK-DUPLICATE': DISPUTED,
  'TPM-FIRMWARE-CHANGED': { claim: 'hardware', warning: knownVulnerable, failed: contraindicated },
  'IMA-TEMPLATE-UNKNOWN': { claim: 'executables', warning: unknownElements, failed: unknownElements },
  'IMA-HASH-INVALID': FILES,
  'IMA-SIG-INVALID': FILES,
  'IMA-SIG-KEY-UNKNOWN': FILES,
  'LABEL-MISSING': FILES,
  'VERITY-DISABLED': FILES,
  'EVM-INVALID': FILES,
  'EVM-KEY-INVALID': FILES,
  'MODSIG-ATTRIBUTES': FILES,
  'IMA-KEYRING-CHANGED': SETTINGS,
  'IMA-POLICY-CHANGED': SETTINGS,
};

const PLATFORM_CLAIMS: ReadonlySet<ClaimName> = new Set(['instance-identity', 'hardware', 'configuration']);

function claimsOf({ code, severity }: OpenFinding): readonly Claim[] {
  if (BROKEN.has(code)) {
    return [
      { submod: SUBMODS.platform, claim: 'instance-identity', value: cryptographyFailed },
      { submod: SUBMODS.list, claim: 'executables', value: cryptographyFailed },
    ];
  }
  const meaning = MEANINGS[code] ?? PROGRAMS;
  const submod = PLATFORM_CLAIMS.has(meaning.claim) ? SUBMODS.platform : SUBMODS.list;
  return [{ submod, claim: meaning.claim, value: meaning[severity] }];
}

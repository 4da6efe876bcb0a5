// Trustworthiness claims and tiers of AR4SI (draft-ietf-rats-ar4si, section 2.3).

/** The facets that a verifier can say something about, by their names in JSON. */
export const CLAIMS = [
  'instance-identity',
  'configuration',
  'executables',
  'file-system',
  'hardware',
  'runtime-opaque',
  'storage-opaque',
  'sourced-data',
] as const;
export type ClaimName = (typeof CLAIMS)[number];

/** What is said of each facet: whole numbers from -128 to 127. What is left out is not claimed, which is the same as 0. */
export type TrustVector = Readonly<Partial<Record<ClaimName, number>>>;

/** Best understood as a scale from no word at all to distrust. */
export const TIERS = ['none', 'affirming', 'warning', 'contraindicated'] as const;
export type Tier = (typeof TIERS)[number];

/** Values that this verifier gives; their meanings are those of section 2.3.4. */
export const CLAIM_VALUES = {
  noAssertion: 0,
  unknownElements: 1,
  approved: 2,
  knownVulnerable: 32,
  unrecognized: 33,
  contraindicated: 96,
  notRecognized: 97,
  cryptographyFailed: 99,
} as const;

/** The tier of a claim's value (section 2.3.2). */
export function tierOf(value: number): Tier {
  if (value >= 96 || value < -96) return 'contraindicated';
  if (value >= 32 || value < -32) return 'warning';
  if (value >= 2 || value < -1) return 'affirming';
  return 'none';
}

/** The worst of the tiers; `none` only where nothing else is said. */
export function worstTier(tiers: readonly Tier[]): Tier {
  return TIERS[Math.max(0, ...tiers.map((tier) => TIERS.indexOf(tier)))] ?? 'none';
}

export function worstOfVector(vector: TrustVector): Tier {
  return worstTier(Object.values(vector).map(tierOf));
}

/** Of two values of one claim, the one that trusts less. */
export function worseValue(one: number, other: number): number {
  const [first, second] = [tierOf(one), tierOf(other)].map((tier) => TIERS.indexOf(tier));
  if (first !== second) return (first ?? 0) > (second ?? 0) ? one : other;
  return Math.abs(one) >= Math.abs(other) ? one : other;
}

export function isClaimName(text: string): text is ClaimName {
  return CLAIMS.some((name) => name === text);
}

export function isTier(text: unknown): text is Tier {
  return TIERS.some((tier) => tier === text);
}

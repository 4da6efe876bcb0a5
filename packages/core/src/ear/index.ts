export { appraise, SUBMODS, type Appraisal, type AppraisalFacts, type Submod } from './appraise.ts';
export { EAR_PROFILES, earClaims, HOST_CLAIM, type AttestationResult, type EarProfile } from './claims.ts';
export { readResult, type ParsedResult } from './read.ts';
export { DEFAULT_REQUIREMENTS, parseRequirement, unmetRequirements, type Requirement } from './requirement.ts';
export { CLAIMS, TIERS, tierOf, type ClaimName, type Tier, type TrustVector } from './vector.ts';

import { z } from 'zod';
import { Digest, Time } from './scalars.ts';

const PolicyName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/);
const Version = z.int().min(1);

export const PolicyVersion = z.object({
  name: PolicyName,
  version: Version,
  digest: Digest,
  /** Number of distinct digests. */
  digests: z.int(),
  /** Who signed it whom the verifier trusts. */
  signer: z.string().nullable(),
  pushedBy: z.string(),
  pushedAt: Time,
  inForceSince: Time.nullable(),
});
export type PolicyVersion = z.infer<typeof PolicyVersion>;

export const PolicyList = z.object({
  schema: z.literal('assay.policies.v1'),
  policies: z.array(PolicyVersion),
  /** Hosts that each policy is for, by its name. */
  hosts: z.record(z.string(), z.int()),
});
export type PolicyList = z.infer<typeof PolicyList>;

/** Reference values, or a DSSE envelope that holds them, as text. */
export const PolicyPush = z.strictObject({ document: z.string().min(1) });
export type PolicyPush = z.infer<typeof PolicyPush>;

export const PolicyReply = z.object({ schema: z.literal('assay.policy.v1'), policy: PolicyVersion });
export type PolicyReply = z.infer<typeof PolicyReply>;

export const PolicyText = z.object({
  schema: z.literal('assay.policy-document.v1'),
  policy: PolicyVersion,
  /** The canonical text. */
  document: z.string(),
});
export type PolicyText = z.infer<typeof PolicyText>;

/** A version to come into force, and hosts that it is for besides those that it is for already. */
export const PolicyActivation = z.strictObject({
  version: Version,
  hosts: z.union([z.array(z.string().min(1).max(64)).max(10_000), z.literal('all')]).default([]),
});
export type PolicyActivation = z.input<typeof PolicyActivation>;

const SimulatedVerdict = z.enum(['trusted', 'warning', 'failed', 'unverified']);

/** What a version would make of what hosts have measured in their present boot. */
export const PolicySimulation = z.object({
  schema: z.literal('assay.policy-simulation.v1'),
  hosts: z.array(
    z.object({
      host: z.string(),
      before: SimulatedVerdict,
      after: SimulatedVerdict,
      refused: z.int(),
      accepted: z.int(),
    }),
  ),
  changes: z.array(
    z.object({
      digest: z.string(),
      path: z.string(),
      before: z.string(),
      after: z.string(),
      hosts: z.array(z.string()),
    }),
  ),
  unused: z.array(z.object({ pool: z.string(), digests: z.int(), of: z.int() })),
  excludes: z.array(z.object({ pattern: z.string(), entries: z.int(), hosts: z.int() })),
});
export type PolicySimulation = z.infer<typeof PolicySimulation>;

/** What becomes of a finding that is accepted: a new version that somebody has to sign and activate. */
export const FindingApproval = z.object({
  schema: z.literal('assay.finding-approval.v1'),
  policy: PolicyVersion,
  simulation: PolicySimulation,
});
export type FindingApproval = z.infer<typeof FindingApproval>;

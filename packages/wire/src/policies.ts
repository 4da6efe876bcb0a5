import { z } from 'zod';
import { Reason } from './findings.ts';
import { Digest, Time } from './scalars.ts';

const PolicyName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/);
const Version = z.int().min(1);

export const PolicyVersion = z.object({
  name: PolicyName,
  version: Version,
  digest: Digest,
  /** Number of distinct digests. */
  digests: z.int(),
  /** Who signed it whom the verifier trusts, in one text, and each with the digest of its key, where that was kept. */
  signer: z.string().nullable(),
  signers: z.array(z.object({ name: z.string(), key: Digest.nullable() })),
  pushedBy: z.string(),
  pushedAt: Time,
  /** Of the source that it came from (`--policies-from`); null where it was pushed. */
  commit: z.string().nullable(),
  inForceSince: Time.nullable(),
  /** Of what is in force: when it is good no more, and when the next part of it ends (a pool, an exclude, or all of it). */
  validUntil: Time.nullable(),
  nextEnd: Time.nullable(),
});
export type PolicyVersion = z.infer<typeof PolicyVersion>;

export const PolicyList = z.object({
  schema: z.literal('assay.policies.v1'),
  policies: z.array(PolicyVersion),
  /** Hosts that each policy is for, by its name. */
  hosts: z.record(z.string(), z.int()),
  /** By which version the present boots of the hosts of each policy were judged; null: by none yet. */
  judged: z.record(z.string(), z.array(z.object({ version: z.int().nullable(), hosts: z.int() }))),
  /** The directory or repository from which policies come; null where none was given. */
  source: z
    .object({
      origin: z.string(),
      branch: z.string().nullable(),
      /** What was applied last, who signed it, and since when; null before the first. */
      commit: z.string().nullable(),
      signer: z.string().nullable(),
      appliedAt: Time.nullable(),
      checkedAt: Time,
      /** Why what the source has now cannot be applied; what is in force stays. */
      failure: z.object({ code: z.string(), message: z.string(), since: Time }).nullable(),
    })
    .nullable(),
  /** Policies that come from it: the API does not change them. */
  managed: z.array(
    z.object({
      name: z.string(),
      version: z.int(),
      file: z.string(),
      commit: z.string(),
      /** What is not as the source has it. */
      drift: z.string().nullable(),
    }),
  ),
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

const SimulatedHost = z.object({
  host: z.string(),
  before: SimulatedVerdict,
  after: SimulatedVerdict,
  /** Entries that would become findings, and those that would be none any more. */
  refused: z.int(),
  accepted: z.int(),
});

/** What reference values would make of what hosts have measured. Lists are cut at 1000, and at 20 hosts; counts are of all. */
export const PolicySimulation = z.object({
  schema: z.literal('assay.policy-simulation.v1'),
  /** The present boots; where not all are told, those that change. */
  hosts: z.array(SimulatedHost),
  hostsInAll: z.int(),
  /** How many of all hosts go from one verdict to another, or keep theirs. */
  turns: z.array(z.object({ before: SimulatedVerdict, after: SimulatedVerdict, hosts: z.int() })),
  /** Earlier boots, the newest first, where they were asked for. */
  earlier: z.array(SimulatedHost.extend({ boot: z.object({ id: z.int(), since: Time, until: Time.nullable() }) })),
  earlierInAll: z.int(),
  /** How many of these would be judged otherwise. */
  earlierTurned: z.int(),
  /** Number of hosts of which something would change. */
  affected: z.int(),
  /** Entries whose answer would be another one, by what in the reference values makes it so; refused ones first. */
  causes: z.array(
    z.object({
      effect: z.enum(['refused', 'accepted', 'other']),
      cause: z.string(),
      entries: z.int(),
      /** Some of them. */
      paths: z.array(z.string()),
      hosts: z.array(z.string()),
      hostsInAll: z.int(),
    }),
  ),
  causesInAll: z.int(),
  changes: z.array(
    z.object({
      digest: z.string(),
      path: z.string(),
      before: z.string(),
      after: z.string(),
      hosts: z.array(z.string()),
      hostsInAll: z.int(),
    }),
  ),
  changesInAll: z.int(),
  /** Digests of each pool, and rules for paths, that no list holds. */
  unused: z.array(z.object({ pool: z.string(), digests: z.int(), of: z.int() })),
  unusedFiles: z.object({ paths: z.int(), of: z.int() }),
  excludes: z.array(z.object({ pattern: z.string(), entries: z.int(), hosts: z.int() })),
});
export type PolicySimulation = z.infer<typeof PolicySimulation>;

/** The present boots only, or all that were recorded. */
export const SimulatedBoots = z.enum(['present', 'all']);

const Denials = z
  .array(z.strictObject({ digest: Digest, reason: Reason }))
  .min(1)
  .max(1000);

/**
 * A candidate: a document that is not stored, or a version that is; without either the newest version. Digests to deny are
 * added to it.
 */
export const PolicyCandidate = z.strictObject({
  document: z.string().min(1).optional(),
  version: Version.optional(),
  deny: Denials.optional(),
  boots: SimulatedBoots.default('present'),
});
export type PolicyCandidate = z.input<typeof PolicyCandidate>;

/** A version after the newest one, in which these digests are denied. */
export const PolicyProposal = z.strictObject({ deny: Denials });
export type PolicyProposal = z.infer<typeof PolicyProposal>;

/** What was proposed: a new version that somebody has to sign and activate. */
export const PolicyProposed = z.object({
  schema: z.literal('assay.policy-proposal.v1'),
  policy: PolicyVersion,
  /** The version that it was made of. */
  base: Version,
  simulation: PolicySimulation,
});
export type PolicyProposed = z.infer<typeof PolicyProposed>;

/** What becomes of a finding that is accepted: a new version that somebody has to sign and activate. */
export const FindingApproval = PolicyProposed.extend({ schema: z.literal('assay.finding-approval.v1') });
export type FindingApproval = z.infer<typeof FindingApproval>;

/** What differs from one version to another, by package and rule. */
export const PolicyDiff = z.object({
  schema: z.literal('assay.policy-diff.v1'),
  name: PolicyName,
  from: Version,
  to: Version,
  pools: z.array(
    z.object({
      kind: z.enum(['package', 'image', 'tree', 'host', 'manual']),
      name: z.string(),
      /** Versions there were and are. */
      before: z.array(z.string()),
      after: z.array(z.string()),
      /** Paths with a digest that was not good before, new paths, and paths that are there no more. */
      updated: z.int(),
      added: z.int(),
      removed: z.int(),
      digestsAdded: z.int(),
      digestsRemoved: z.int(),
    }),
  ),
  rules: z.array(
    z.object({
      member: z.enum([
        'files',
        'buffers',
        'keyrings',
        'ignoredKeyrings',
        'keys',
        'excludes',
        'denied',
        'kernelPolicy',
        'bootAggregate',
        'validUntil',
      ]),
      change: z.enum(['added', 'removed', 'changed']),
      /** Path, name, pattern or digest. */
      subject: z.string(),
    }),
  ),
});
export type PolicyDiff = z.infer<typeof PolicyDiff>;

/** What excludes of the version in force let through in the present boots. */
export const ExcludedList = z.object({
  schema: z.literal('assay.policy-excluded.v1'),
  name: PolicyName,
  version: Version,
  /** By path. */
  entries: z.array(
    z.object({
      pattern: z.string(),
      reason: z.string(),
      owner: z.string(),
      expires: Time,
      digest: z.string(),
      path: z.string(),
      hosts: z.array(z.string()),
    }),
  ),
});
export type ExcludedList = z.infer<typeof ExcludedList>;

import { z } from 'zod';
import { ListSource, TpmKind, TrustTier, Verdict } from './hosts.ts';
import { HostId, HostName, Time } from './scalars.ts';

const LABEL_NAME = /^[a-z0-9]([a-z0-9._/-]{0,61}[a-z0-9])?$/;
const LABEL_VALUE = /^([A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?)?$/;

/** What operators tell hosts apart by: `role=web`, `site=berlin`. Nothing a host says of itself. */
export const HostLabels = z.record(z.string().regex(LABEL_NAME), z.string().regex(LABEL_VALUE));
export type HostLabels = z.infer<typeof HostLabels>;

/** Most labels of one host. */
export const LABELS_MOST = 32;

/** Labels that are set, and null for those that are taken away. */
export const LabelsRequest = z.strictObject({
  labels: z
    .record(z.string().regex(LABEL_NAME), z.string().regex(LABEL_VALUE).nullable())
    .refine((labels) => Object.keys(labels).length <= LABELS_MOST, `are over ${LABELS_MOST}`),
});
export type LabelsRequest = z.infer<typeof LabelsRequest>;

export const LabelsReply = z.object({ schema: z.literal('assay.host-labels.v1'), host: HostName, labels: HostLabels });
export type LabelsReply = z.infer<typeof LabelsReply>;

/** A host in one line, as a table of thousands shows it. */
export const HostLine = z.object({
  id: HostId,
  name: HostName,
  verdict: Verdict,
  verdictSince: Time,
  /** When the newest verified evidence came; null while pending. */
  evidenceAt: Time.nullable(),
  tpm: z.object({ kind: TpmKind, trust: TrustTier }),
  source: ListSource,
  kernel: z.string(),
  labels: HostLabels,
  /** Number of the boot whose list is current; null before the first evidence. */
  boot: z.int().nullable(),
  entries: z.int(),
  violations: z.int(),
  /** What it is compared with: the name of a policy, or null for values captured from the host itself. */
  reference: z.object({ policy: z.string().nullable(), version: z.int() }).nullable(),
  /** Open findings; `code` is that of the gravest. */
  findings: z.object({ failed: z.int(), warning: z.int(), code: z.string().nullable() }),
});
export type HostLine = z.infer<typeof HostLine>;

/** Most hosts in one page of lines. */
export const HOST_LINES_MOST = 10_000;

export const HostLines = z.object({
  schema: z.literal('assay.host-lines.v1'),
  /** Seconds after which evidence counts as stale. */
  staleAfterSeconds: z.int(),
  hosts: z.array(HostLine),
  next: z.string().nullable(),
});
export type HostLines = z.infer<typeof HostLines>;

/** Seconds between two counts of the history. */
export const HISTORY_STEP_SECONDS = 600;

const Counts = z.record(Verdict, z.int());

/** The fleet in one answer, counted by the store. */
export const FleetDocument = z.object({
  schema: z.literal('assay.fleet.v1'),
  at: Time,
  hosts: z.int(),
  verdicts: Counts,
  /** How many of the present hosts had which verdict at each step of the past day; the newest last. */
  history: z.object({ from: Time, stepSeconds: z.int(), verdicts: z.record(Verdict, z.array(z.int())) }),
  /** Open findings with one code about one thing, the gravest and most widely spread first; `causesInAll` counts them all. */
  causes: z.array(
    z.object({
      code: z.string(),
      severity: z.enum(['warning', 'failed']),
      /** Digest, else path; empty where the code alone says what it is about. */
      subject: z.string(),
      sentence: z.string(),
      hosts: z.int(),
      /** Names of some of the hosts. */
      hostNames: z.array(z.string()),
      firstSeen: Time,
      lastSeen: Time,
      /** Somebody knows of it on each of these hosts. */
      acknowledged: z.boolean(),
    }),
  ),
  causesInAll: z.int(),
  verifier: z.object({
    version: z.string(),
    startedAt: Time,
    /** How late it is with its own periodic work. */
    lateSeconds: z.number(),
    heartbeatSeconds: z.int(),
    staleAfterSeconds: z.int(),
  }),
  /** Policies in force, and how many of their hosts were judged by that version. */
  policies: z.array(
    z.object({
      name: z.string(),
      version: z.int(),
      since: Time,
      activatedBy: z.string(),
      hosts: z.int(),
      judged: z.int(),
    }),
  ),
  /** Hosts that have values captured from themselves, and those that have nothing to be compared with. */
  captured: z.int(),
  withoutReference: z.int(),
});
export type FleetDocument = z.infer<typeof FleetDocument>;

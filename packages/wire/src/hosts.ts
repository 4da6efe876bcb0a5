import { z } from 'zod';
import { Digest, Hex, HostId, HostName, Time } from './scalars.ts';

export const Verdict = z.enum(['trusted', 'warning', 'failed', 'stale', 'unverified', 'pending']);
export type Verdict = z.infer<typeof Verdict>;

/** What the agent says its TPM is. Without an EK certificate nothing proves it. */
export const TpmKind = z.enum(['hardware', 'software', 'simulated']);
export type TpmKind = z.infer<typeof TpmKind>;

/**
 * How the verifier came to trust the keys of the TPM: a trusted authority vouches for the attestation key, as clouds do, or
 * for the endorsement key, as makers of TPMs do; the endorsement key was registered before the host came, somebody approved it when the host came, or it was the first to come.
 */
export const TrustTier = z.enum(['ak-certificate', 'ek-certificate', 'registered', 'approved', 'first-use']);
export type TrustTier = z.infer<typeof TrustTier>;

export const ListSource = z.enum(['kernel', 'engine', 'simulated']);
export type ListSource = z.infer<typeof ListSource>;

export const HostSummary = z.object({
  id: HostId,
  name: HostName,
  verdict: Verdict,
  /** One sentence that says why the verdict is what it is. */
  sentence: z.string(),
  verdictSince: Time,
  /** When the newest verified evidence came; null while pending. */
  evidenceAt: Time.nullable(),
  /** Seconds after which evidence counts as stale. */
  staleAfterSeconds: z.int(),
  enrolledAt: Time,
  tpm: z.object({ kind: TpmKind, trust: TrustTier }),
  list: z.object({ source: ListSource, entries: z.int(), violations: z.int() }),
  reference: z.object({ version: z.int(), digests: z.int(), capturedAt: Time }).nullable(),
  openFindings: z.int(),
});
export type HostSummary = z.infer<typeof HostSummary>;

export const RungName = z.enum(['ek', 'ak', 'quote', 'pcr', 'list', 'reference', 'signer']);
export type RungName = z.infer<typeof RungName>;

/** One step of the ladder from the TPM's identity to who answers for the reference values. */
export const Rung = z.object({
  rung: RungName,
  title: z.string(),
  state: z.enum(['ok', 'warning', 'failed', 'waiting']),
  sentence: z.string(),
  /** The values that this rung rests on, in order. */
  facts: z.array(z.object({ label: z.string(), value: z.string() })),
});
export type Rung = z.infer<typeof Rung>;

export const HostDetail = HostSummary.extend({
  kernel: z.string(),
  boot: z.object({ id: z.int(), resetCount: z.int(), restartCount: z.int(), since: Time }).nullable(),
  attestationKey: z.object({
    /** Of the TPM 2.0: the algorithm and the digest of its public area. */
    name: Hex,
    since: Time,
    /** Who asked the host for another one, which has not come yet. */
    renewal: z.object({ by: z.string(), at: Time }).nullable(),
  }),
  labels: z.record(z.string(), z.string()),
  /** Values of the newest verified quote, of the SHA-256 bank by index; empty before it. */
  pcrs: z.record(z.string(), z.string()),
  ladder: z.array(Rung),
});
export type HostDetail = z.infer<typeof HostDetail>;

export const Measurement = z.object({
  /** Place in the list of this boot, from 1. */
  entry: z.int(),
  pcr: z.int(),
  template: z.string(),
  templateDigest: Digest,
  digest: Digest,
  /** The path or event name, escaped; a hint only: the digest is what was proved. */
  filenameHint: z.string(),
  status: z.enum([
    'known',
    'signed',
    'excluded',
    'denied',
    'unknown',
    'changed',
    'unjudged',
    'boot-aggregate',
    'engine-record',
    'violation',
  ]),
  receivedAt: Time,
});
export type Measurement = z.infer<typeof Measurement>;

export const Finding = z.object({
  id: z.string(),
  host: z.object({ id: HostId, name: HostName }),
  code: z.string(),
  severity: z.enum(['warning', 'failed']),
  sentence: z.string(),
  evidence: z.object({
    entry: z.int().nullable(),
    template: z.string().nullable(),
    digest: Digest.nullable(),
    filenameHint: z.string().nullable(),
  }),
  explanation: z.array(z.object({ cause: z.string(), confidence: z.enum(['low', 'medium', 'high']) })),
  blastRadius: z.object({ hosts: z.int(), firstSeen: Time, lastSeen: Time }),
  /** Commands to run next. */
  next: z.array(z.string()),
  open: z.boolean(),
  /** Who knows of it; it stays open and counts, and nobody is alerted of it again until then. */
  acknowledgement: z.object({ by: z.string(), at: Time, until: Time, reason: z.string() }).nullable(),
  /** When it ended; by itself where `by` is null. */
  resolution: z.object({ at: Time, by: z.string().nullable(), reason: z.string().nullable() }).nullable(),
  firstSeen: Time,
  lastSeen: Time,
});
export type Finding = z.infer<typeof Finding>;

export const HostList = z.object({
  schema: z.literal('assay.hosts.v1'),
  hosts: z.array(HostSummary),
  next: z.string().nullable(),
});
export const HostDocument = z.object({ schema: z.literal('assay.host.v1'), host: HostDetail });
export const MeasurementList = z.object({
  schema: z.literal('assay.measurements.v1'),
  total: z.int(),
  measurements: z.array(Measurement),
  next: z.string().nullable(),
});
export const FindingList = z.object({
  schema: z.literal('assay.findings.v1'),
  findings: z.array(Finding),
  next: z.string().nullable(),
});
export const FindingDocument = z.object({ schema: z.literal('assay.finding.v1'), finding: Finding });
export type FindingDocument = z.infer<typeof FindingDocument>;
export type HostList = z.infer<typeof HostList>;
export type HostDocument = z.infer<typeof HostDocument>;
export type MeasurementList = z.infer<typeof MeasurementList>;
export type FindingList = z.infer<typeof FindingList>;

/** At which hosts a digest was measured. */
export const DigestDocument = z.object({
  schema: z.literal('assay.digest.v1'),
  digest: Digest,
  /** Hosts on which it was ever measured, on all pages. */
  hosts: z.int(),
  sightings: z.array(
    z.object({
      host: z.object({ id: HostId, name: HostName }),
      boot: z.object({ id: z.int(), resetCount: z.int(), restartCount: z.int(), since: Time }),
      /** Escaped; a hint only. */
      path: z.string(),
      /** When the first and the last entry with this digest and path came to the verifier. */
      firstSeen: Time,
      lastSeen: Time,
      /** When the newest evidence of this boot came, whose list still has it. */
      attestedUntil: Time,
    }),
  ),
  /** All that was looked at: entries of the lists of all boots, and since when. */
  looked: z.object({ entries: z.int(), hosts: z.int(), since: Time.nullable() }),
  next: z.string().nullable(),
});
export type DigestDocument = z.infer<typeof DigestDocument>;

/** Makes the current list of the host, and what is added here, its reference values. */
export const CaptureRequest = z.strictObject({
  note: z.string().max(500).optional(),
  add: z
    .array(z.strictObject({ digest: Digest, path: z.string().max(8192) }))
    .max(500_000)
    .optional(),
});
export type CaptureRequest = z.infer<typeof CaptureRequest>;

export const CaptureReply = z.object({
  schema: z.literal('assay.reference-capture.v1'),
  host: HostSummary,
  version: z.int(),
  digests: z.int(),
});
export type CaptureReply = z.infer<typeof CaptureReply>;

export const Health = z.object({ status: z.literal('ok'), version: z.string() });

/** How late the verifier is with its own periodic work, in seconds; over 10 it is not ready. */
export const Ready = z.object({ status: z.literal('ready'), lateSeconds: z.number() });

/** RFC 9457. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.string(),
});
export type Problem = z.infer<typeof Problem>;

/** PCR values by index, of one bank. */
export const PcrValues = z.record(z.string().regex(/^\d{1,2}$/), Hex);

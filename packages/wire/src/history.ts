import { z } from 'zod';
import { EK_CERTIFICATE_LIMIT, EVENT_LOG_LIMIT, EvidenceMessage, MissingLog } from './agent.ts';
import { Finding, PcrValues, Verdict } from './hosts.ts';
import { base64, Hex, HostId, HostName, Time } from './scalars.ts';

export const KeyRenewalReason = z.enum(['asked', 'age', 'host']);
export type KeyRenewalReason = z.infer<typeof KeyRenewalReason>;

/** What happened to a host, each list the newest first and not longer than the verifier gives at once. */
export const HostTimeline = z.object({
  schema: z.literal('assay.host-timeline.v1'),
  enrolledAt: Time,
  verdicts: z.array(
    z.object({
      at: Time,
      verdict: Verdict,
      sentence: z.string(),
      /** The boot and the length of its list at that time. */
      boot: z.int().nullable(),
      entries: z.int(),
    }),
  ),
  boots: z.array(
    z.object({
      id: z.int(),
      resetCount: z.int(),
      restartCount: z.int(),
      since: Time,
      /** When the last evidence of it came; null while it is the present one. */
      until: Time.nullable(),
      entries: z.int(),
      violations: z.int(),
    }),
  ),
  /** Entries that came in one round: places in the list of the boot. */
  arrivals: z.array(z.object({ at: Time, boot: z.int(), first: z.int(), count: z.int() })),
  /** Values captured from the host. */
  captures: z.array(z.object({ at: Time, version: z.int(), digests: z.int(), note: z.string().nullable() })),
  /** The policy of the host, if it has one. */
  policy: z.object({ name: z.string(), version: z.int(), since: Time, activatedBy: z.string() }).nullable(),
  /** Attestation keys that took the place of another. */
  keys: z.array(
    z.object({
      at: Time,
      name: Hex,
      /** Somebody asked for it, the one before was too old, or the host had lost it or was told to on the spot. */
      reason: KeyRenewalReason,
      /** Who asked; null for the other reasons. */
      by: z.string().nullable(),
    }),
  ),
  findings: z.array(
    z.object({
      id: z.string(),
      code: z.string(),
      severity: Finding.shape.severity,
      sentence: z.string(),
      from: Time,
      /** Null while it is open. */
      until: Time.nullable(),
    }),
  ),
});
export type HostTimeline = z.infer<typeof HostTimeline>;

/** Most bytes of the list in a bundle; a longer one is not given. */
export const BUNDLE_LIST_LIMIT = 48 * 1024 * 1024;

/** The newest evidence of a host that verified, with all that it takes to verify it once more, without the verifier. */
export const EvidenceBundle = z.strictObject({
  schema: z.literal('assay.evidence-bundle.v1'),
  host: z.strictObject({ id: HostId, name: HostName }),
  receivedAt: Time,
  /** TPM2B_PUBLIC. */
  ekPublic: base64(1024),
  akPublic: base64(1024),
  /** X.509 in DER, that of the endorsement key first. */
  ekCertificates: z.array(base64(EK_CERTIFICATE_LIMIT)),
  session: EvidenceMessage.shape.session,
  /** 32 bytes that the verifier chose at random. */
  nonce: Hex.length(64),
  facts: EvidenceMessage.shape.facts,
  quote: EvidenceMessage.shape.quote,
  pcrs: PcrValues,
  list: z.strictObject({
    bank: z.literal('sha256'),
    /** Records of the binary list from the first to the last that the quote covers. */
    entries: base64(BUNDLE_LIST_LIMIT),
  }),
  /** The boot event log of the firmware, where the host sent one. */
  eventLog: base64(EVENT_LOG_LIMIT).optional(),
  /** What the quote is bound to besides: that log, or the word that stood for it; absent where none was asked for. */
  bound: z.union([z.literal('event-log'), MissingLog]).optional(),
});
export type EvidenceBundle = z.infer<typeof EvidenceBundle>;

import { z } from 'zod';
import { EK_CERTIFICATE_LIMIT, HostFacts } from './agent.ts';
import { TrustTier } from './hosts.ts';
import { base64, Digest, Hex, HostId, HostName, Time } from './scalars.ts';

/** Why an enrolment waits for somebody to decide. */
export const EnrolmentReason = z.object({
  code: z.enum(['HOST-DUPLICATE', 'EK-DUPLICATE', 'APPROVAL-REQUIRED']),
  sentence: z.string(),
  /** The host that has the name or the endorsement key now. */
  host: z.object({ id: HostId, name: HostName }).nullable(),
});
export type EnrolmentReason = z.infer<typeof EnrolmentReason>;

export const EnrolmentState = z.enum(['pending', 'approved', 'refused']);
export type EnrolmentState = z.infer<typeof EnrolmentState>;

/** Such as `E-12`. */
export const EnrolmentId = z.string().regex(/^E-[1-9]\d{0,14}$/);

/** A machine that proved that its TPM holds both keys, and asks to be a host under a name. */
export const Enrolment = z.object({
  id: EnrolmentId,
  state: EnrolmentState,
  /** The name that it asks for, and the id that it has or would have as a host. */
  name: HostName,
  hostId: HostId,
  /** SHA-256 of the public area of its endorsement key. */
  ekDigest: Digest,
  /** Name of its attestation key (TPM 2.0 Part 1, 16). */
  akName: Hex,
  /** What vouches for the endorsement key without a decision. */
  trust: TrustTier,
  /** What it says of itself; nothing proves it. */
  facts: HostFacts,
  reasons: z.array(EnrolmentReason),
  askedAt: Time,
  lastAskedAt: Time,
  decidedAt: Time.nullable(),
  decidedBy: z.string().nullable(),
  note: z.string().nullable(),
  /** When it became a host; null before. An approved machine comes by itself within a minute. */
  enrolledAt: Time.nullable(),
});
export type Enrolment = z.infer<typeof Enrolment>;

/** Newest first. */
export const EnrolmentList = z.object({
  schema: z.literal('assay.enrolments.v1'),
  enrolments: z.array(Enrolment),
  next: z.string().nullable(),
});
export type EnrolmentList = z.infer<typeof EnrolmentList>;

export const EnrolmentDocument = z.object({ schema: z.literal('assay.enrolment.v1'), enrolment: Enrolment });
export type EnrolmentDocument = z.infer<typeof EnrolmentDocument>;

const Note = z.string().max(500);

/** Approves or refuses, by its route. */
export const EnrolmentDecision = z.strictObject({ note: Note.optional() });
export type EnrolmentDecision = z.infer<typeof EnrolmentDecision>;

/** An endorsement key that may enrol without a join token, and for which somebody vouches. */
export const RegisteredKey = z.object({
  /** SHA-256 of the TPMT_PUBLIC of the key, or of its SubjectPublicKeyInfo. */
  digest: Digest,
  /** The only name under which it may enrol without a decision; null: any. */
  name: HostName.nullable(),
  note: z.string().nullable(),
  registeredAt: Time,
  registeredBy: z.string(),
});
export type RegisteredKey = z.infer<typeof RegisteredKey>;

/** In the order of the digests. */
export const RegisteredKeyList = z.object({
  schema: z.literal('assay.registered-keys.v1'),
  keys: z.array(RegisteredKey),
  next: z.string().nullable(),
});
export type RegisteredKeyList = z.infer<typeof RegisteredKeyList>;

const KeyToRegister = z
  .strictObject({
    digest: Digest.regex(/^sha256:[0-9a-f]{64}$/).optional(),
    /** X.509 in DER, of which the public key alone is taken: nothing else of it is checked. */
    certificate: base64(EK_CERTIFICATE_LIMIT).optional(),
    name: HostName.optional(),
    note: Note.optional(),
  })
  .refine(({ digest, certificate }) => (digest === undefined) !== (certificate === undefined), {
    error: 'give a digest or a certificate',
  });

/** Most keys of one request. */
export const REGISTERED_KEYS_LIMIT = 1000;

/** All or none of them; a key that is registered already gets what is said of it here. */
export const RegisterKeysRequest = z.strictObject({ keys: z.array(KeyToRegister).min(1).max(REGISTERED_KEYS_LIMIT) });
export type RegisterKeysRequest = z.infer<typeof RegisterKeysRequest>;

/** A host was asked for another attestation key; it makes one when its agent sends evidence the next time. */
export const KeyRenewal = z.object({
  schema: z.literal('assay.key-renewal.v1'),
  host: z.object({ id: HostId, name: HostName }),
  asked: z.object({ by: z.string(), at: Time }),
});
export type KeyRenewal = z.infer<typeof KeyRenewal>;

export const HostRemoval = z.object({
  schema: z.literal('assay.host-removal.v1'),
  host: z.object({ id: HostId, name: HostName }),
});
export type HostRemoval = z.infer<typeof HostRemoval>;

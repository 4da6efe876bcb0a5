import { z } from 'zod';
import { base64, Hex, HostId, HostName, Time } from './scalars.ts';
import { ListSource, PcrValues, TpmKind, Verdict } from './hosts.ts';

/** Most bytes of a measurement list in one message. */
export const LIST_CHUNK_LIMIT = 32 * 1024 * 1024;

/** Most bytes of a list that an agent keeps for the message with the quote: what is before them it sends in parts. */
export const LIST_TAIL_LIMIT = 4 * 1024 * 1024;

/** Most bytes of a whole evidence message. */
export const EVIDENCE_BODY_LIMIT = 64 * 1024 * 1024;

/** Most bytes of a boot event log that is sent; firmware reserves at most 1 MiB. */
export const EVENT_LOG_LIMIT = 4 * 1024 * 1024;

/** Nothing that a terminal, a page or a log would take for more than a character. */
const PRINTABLE_ASCII = /^[\x20-\x7e]*$/;

/** What the agent says of its host. None of it is proved; all of it is bound into the quote. */
export const HostFacts = z.object({
  tpmKind: TpmKind,
  listSource: ListSource,
  kernel: z.string().max(128).regex(PRINTABLE_ASCII),
  agentVersion: z.string().max(32).regex(PRINTABLE_ASCII),
});
export type HostFacts = z.infer<typeof HostFacts>;

/** Most bytes of a certificate in an enrolment, and most certificates. */
export const EK_CERTIFICATE_LIMIT = 4096;
export const EK_CERTIFICATES_LIMIT = 9;

export const EnrolRequest = z.object({
  name: HostName,
  /** TPM2B_PUBLIC of the endorsement key. */
  ekPublic: base64(1024),
  /** TPM2B_PUBLIC of the attestation key. */
  akPublic: base64(1024),
  facts: HostFacts,
  /** X.509 in DER: the certificate of the endorsement key, then those above it that its maker left in the TPM. */
  ekCertificates: z.array(base64(EK_CERTIFICATE_LIMIT)).max(EK_CERTIFICATES_LIMIT).optional(),
  /** The same of an attestation key that the cloud of the host certified. */
  akCertificates: z.array(base64(EK_CERTIFICATE_LIMIT)).max(EK_CERTIFICATES_LIMIT).optional(),
});
export type EnrolRequest = z.infer<typeof EnrolRequest>;

export const EnrolReply = z.object({
  enrolment: z.string(),
  /** TPM2B_ID_OBJECT (TPM 2.0 Part 2, 12.4.3). */
  credentialBlob: base64(1024),
  /** TPM2B_ENCRYPTED_SECRET (TPM 2.0 Part 2, 11.4.3). */
  encryptedSecret: base64(1024),
  expiresAt: Time,
});
export type EnrolReply = z.infer<typeof EnrolReply>;

const Quote = z.object({
  /** TPMS_ATTEST, as signed. */
  message: base64(4096),
  /** TPMT_SIGNATURE. */
  signature: base64(4096),
});

export const ActivateRequest = z.object({
  secret: Hex,
  /** A quote of PCR 10 of the SHA-256 bank, by an attestation key that came with a certificate. */
  possession: z.object({ quote: Quote, pcrs: PcrValues }).optional(),
  /** The bearer token that the agent wants, 32 random bytes in base64url: known to it whatever becomes of the answer. */
  token: z
    .string()
    .regex(/^[A-Za-z0-9_-]{43}$/)
    .optional(),
});
export type ActivateRequest = z.infer<typeof ActivateRequest>;

export const Challenge = z.object({
  session: z.string().max(64),
  /** 32 random bytes; answered once, by this host, before `expiresAt`. */
  nonce: Hex.length(64),
  expiresAt: Time,
  /** What the quote must cover, exactly. */
  selection: z.object({ bank: z.literal('sha256'), pcrs: z.array(z.int().min(0).max(23)) }),
  /** The next list entry that the verifier wants (from 1), and the byte of the binary list where it begins. */
  list: z.object({ fromEntry: z.int().min(1), fromOffset: z.int().min(0) }),
  /** The evidence shall bring the boot event log: the verifier has none that fits the boot PCRs. */
  eventLog: z.boolean().optional(),
});
export type Challenge = z.infer<typeof Challenge>;

export const ActivateReply = z.object({
  hostId: HostId,
  /** Bearer token of this agent; the verifier keeps only its digest. */
  token: z.string(),
  challenge: Challenge,
});
export type ActivateReply = z.infer<typeof ActivateReply>;

/** Bank of template digests that are sent. */
const ListBank = z.enum(['sha1', 'sha256', 'sha384', 'sha512']);

/** Asks for a certificate; answers a challenge with a quote that binds the key to the attestation key of the host. */
export const CertificateRequest = z.object({
  session: z.string().max(64),
  /** SubjectPublicKeyInfo in DER: a P-256 key. */
  key: base64(128),
  quote: Quote,
  pcrs: PcrValues,
});
export type CertificateRequest = z.infer<typeof CertificateRequest>;

export const CertificateReply = z.object({
  /** PEM: the certificate of the host, then that of the authority. */
  certificate: z.string(),
  /** How long it is good for, from now. */
  lifetimeSeconds: z.number(),
});
export type CertificateReply = z.infer<typeof CertificateReply>;

/** Why a host sends no boot event log: it has none, may not read it, or it is longer than a message may hold. */
export const MissingLog = z.enum(['none', 'unreadable', 'too-long']);
export type MissingLog = z.infer<typeof MissingLog>;

/** The boot event log of the firmware as it is, or why there is none; either is bound into the quote. */
const EventLogSent = z.union([
  z.strictObject({ bytes: base64(EVENT_LOG_LIMIT) }),
  z.strictObject({ missing: MissingLog }),
]);

export const EvidenceMessage = z.object({
  session: z.string().max(64),
  facts: HostFacts,
  quote: Quote,
  pcrs: PcrValues,
  list: z.object({
    /** Bank of the template digests in `entries`. */
    bank: ListBank,
    fromEntry: z.int().min(1),
    fromOffset: z.int().min(0),
    /** Whole records of the binary list, from `fromEntry` on. */
    entries: base64(LIST_CHUNK_LIMIT),
    /** The entries continue the parts of the list that were sent before. */
    continues: z.boolean().optional(),
    /** Entries may be missing in the list on the host: it was trimmed, and nothing is left by which the host could tell. */
    trimmed: z.boolean().optional(),
  }),
  /** In answer to a challenge that asks for it. */
  eventLog: EventLogSent.optional(),
});
export type EvidenceMessage = z.infer<typeof EvidenceMessage>;

/** A place in a measurement list: an entry, from 1, and the byte of the binary list where it begins. */
export const ListPlace = z.object({ fromEntry: z.int().min(1), fromOffset: z.int().min(0) });
export type ListPlace = z.infer<typeof ListPlace>;

/** What bytes of a binary list are that come before the quote that will prove them; the bytes are the body. */
export const ListPartQuery = z.strictObject({
  bank: ListBank,
  fromEntry: z.coerce.number().int().min(1),
  fromOffset: z.coerce.number().int().min(0),
  /** Chosen at random when an agent starts: parts of one upload are of one boot. */
  upload: z.string().min(1).max(64),
});
export type ListPartQuery = z.infer<typeof ListPartQuery>;

export const ListPartReply = z.object({
  /** Where the next part shall begin: behind the last whole record that was taken. */
  list: ListPlace,
});
export type ListPartReply = z.infer<typeof ListPartReply>;

export const EvidenceReply = z.object({
  /** True when the evidence verified and the kept state moved on. */
  verified: z.boolean(),
  verdict: Verdict,
  sentence: z.string(),
  /** Why not, when it did not verify. */
  errors: z.array(z.object({ code: z.string(), message: z.string() })),
  challenge: Challenge,
  /** Seconds until the verifier wants evidence even when nothing is new. */
  heartbeatSeconds: z.int(),
  /** The host shall make another attestation key: somebody asked for it, or the present one is too old. */
  renewKey: z.boolean().optional(),
});
export type EvidenceReply = z.infer<typeof EvidenceReply>;

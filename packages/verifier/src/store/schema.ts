import type { HostFacts, TrustTier, Verdict } from '@assay/wire';
import type { PoolKind } from '@assay/core/reference';
import type { Generated, Kysely } from 'kysely';
import type { HostLabelsRow, KeyRenewalRow, VerdictChangeRow } from './history-rows.ts';
import type { BootLogRow, ListPartRow } from './sent-rows.ts';

// How values stand in the database: bytes that only programs read (keys, nonces, records, PCR values) are BLOBs;
// file digests are text as on the wire (`sha256:<hex>`), because they are looked up and shown with their algorithm;
// times are RFC 3339 text in UTC, which sorts; truth values are 0 and 1; 64-bit counters are decimal text.

export interface HostRow {
  id: string;
  name: string;
  /** TPM2B_PUBLIC of the endorsement and of the attestation key, as they were enrolled. */
  ek_public: Uint8Array;
  ak_public: Uint8Array;
  /** SHA-256 of the agent's bearer token. */
  token_digest: Uint8Array;
  enrolled_at: string;
  tpm_kind: HostFacts['tpmKind'];
  list_source: HostFacts['listSource'];
  kernel: string;
  verdict: Verdict;
  sentence: string;
  verdict_since: string;
  /** The boot whose list is current. */
  boot: number | null;
  reference_version: number | null;
  /** What came with the key, as JSON: DER in base64, the certificate of the endorsement key first. */
  ek_certificates: string | null;
  /** Endorsement as JSON (hosts/ek-certificate.ts), where a trusted authority vouches for the key. */
  endorsement: string | null;
  /** Admission as JSON (hosts/admission.ts), where somebody let the key in. */
  admission: string | null;
  /** Since when the attestation key is the host's. */
  ak_since: string;
  /** Who asked for another one, and when, as JSON (hosts/key-renewal.ts); null where nobody did since. */
  key_renewal: string | null;
  /** What came with the attestation key, as JSON: DER in base64, its certificate first; null where the agent made the key. */
  ak_certificates: string | null;
  /** AkCertificate as JSON (hosts/ak-certificate.ts), where a trusted authority vouches for that key. */
  ak_certificate: string | null;
  /** The machine that the authority vouches for: one host each. */
  ak_identity: string | null;
}

/** An enrolment whose credential was not answered yet. */
export interface EnrolmentRow {
  id: string;
  host: string;
  name: string;
  ek_public: Uint8Array;
  ak_public: Uint8Array;
  /** HostFacts as JSON. */
  facts: string;
  /** SHA-256 of the credential's secret. */
  secret_digest: Uint8Array;
  expires_at: string;
  /** As in HostRow. */
  ek_certificates: string | null;
  ak_certificates: string | null;
  /** Who asked, for the audit log. */
  asked_by: string;
  /** 1 where a host asks for another attestation key by its own token. */
  renews: 0 | 1;
}

/** A machine that asks to be a host under a name and may not, until somebody decides. */
export interface AdmissionRow
  extends Pick<EnrolmentRow, 'host' | 'name' | 'ek_public' | 'ak_public' | 'facts' | 'ek_certificates'> {
  seq: number;
  state: 'pending' | 'approved' | 'refused';
  /** Reasons as JSON (enrolment/reasons.ts), as they were when it asked last. */
  reasons: string;
  /** What vouched for the key when it asked last. */
  trust: TrustTier;
  asked_at: string;
  last_asked_at: string;
  decided_at: string | null;
  decided_by: string | null;
  note: string | null;
  enrolled_at: string | null;
}

/** An endorsement key that somebody vouches for. */
export interface RegisteredKeyRow {
  /** SHA-256 of its TPMT_PUBLIC or of its SubjectPublicKeyInfo, as text. */
  digest: string;
  name: string | null;
  note: string | null;
  registered_at: string;
  registered_by: string;
}

/** All that a round without new entries reads and writes. */
export interface RoundRow {
  host: string;
  /** The challenges that wait for their answer, as JSON: store/challenges.ts. */
  challenges: string;
  /** 1 while findings about refused evidence may be open. */
  refused: 0 | 1;
  /** When the newest verified evidence came; null before the first, and after another key was enrolled. */
  evidence_at: string | null;
  /** What that evidence proved, and where the next continues: all null, or none but `firmware`. */
  reset_count: number | null;
  restart_count: number | null;
  clock: string | null;
  /** Version of the TPM's firmware, decimal. */
  firmware: string | null;
  entries: number | null;
  bytes: number | null;
  /** Quoted values of PCR 0 to 10 in the SHA-256 bank, one after the other. */
  pcrs: Uint8Array | null;
  /** What else came in that evidence, and what was asked for it, as JSON: hosts/proof.ts. */
  proof: string | null;
  /** 1 when the host has told of the boot event log of this boot, or that it has none. */
  boot_log: 0 | 1;
}

export interface BootRow {
  id: number;
  host: string;
  reset_count: number;
  restart_count: number;
  since: string;
  entries: number;
  violations: number;
  /** When the last evidence of a boot came that has ended; that of the current one is in its host's round. */
  until: string | null;
}

/** A verified entry, once for all hosts that have it. */
export interface EntryRow {
  id: number;
  /** store/entry-key.ts */
  key: Uint8Array;
  /** The record of the binary list in the SHA-256 bank, the one that is quoted. */
  record: Uint8Array;
}

/** Entries of a boot's list that came in one round. */
export interface BootEntriesRow {
  seq: number;
  boot: number;
  /** Place of the first in the list, from 1. */
  first: number;
  count: number;
  received_at: string;
  /** Their ids in the order of the list: store/ids.ts. */
  ids: Uint8Array;
  /** 1 when `entry_boots` has them. */
  indexed: 0 | 1;
}

/** Some of the boots whose list has an entry. */
export interface EntryBootsRow {
  entry: number;
  block: number;
  pairs: number;
  /** Boot, and when the entry came, in turn: store/sightings.ts. */
  sightings: Uint8Array;
}

export interface ReferenceVersionRow {
  host: string;
  version: number;
  captured_at: string;
  /** Null for what was captured before it was kept. */
  captured_by: string | null;
  digests: number;
  note: string | null;
}

export interface ReferenceValueRow {
  host: string;
  version: number;
  digest: string;
  path: string;
}

/** A version of reference values that was pushed. Nothing but its signer ever changes. */
export interface PolicyRow {
  name: string;
  version: number;
  /** The canonical text, and its digest. */
  digest: string;
  document: Uint8Array;
  /** Number of distinct digests. */
  digests: number;
  /** Who signed it, all of them, for people; null where nobody did who is trusted. */
  signer: string | null;
  /** `sha256:` and the digest of the SubjectPublicKeyInfo of the first key that signed; null for what was signed before it was kept. */
  signer_key: string | null;
  /** All of them as JSON: policies/signers.ts. */
  signers: string;
  /** Name of the token. */
  pushed_by: string;
  pushed_at: string;
  /** Of the source that it came from; null where it was pushed. */
  commit_id: string | null;
}

/** The one source of policies. */
export interface PolicySourceRow {
  id: number;
  origin: string;
  branch: string | null;
  /** What was applied last, and who signed it; null before the first. */
  commit_id: string | null;
  signer: string | null;
  applied_at: string | null;
  checked_at: string;
  /** Why what it has now cannot be applied; all null, or none. */
  error_code: string | null;
  error: string | null;
  failing_since: string | null;
}

/** A policy as the source has it. */
export interface ManagedPolicyRow {
  name: string;
  version: number;
  file: string;
  /** Names or ids as JSON, or "all". */
  hosts: string;
  commit_id: string;
}

/** That a version has a digest in a pool that the version before it had not, or the other way round. */
export interface PolicyChangeRow {
  name: string;
  version: number;
  digest: string;
  change: 'added' | 'removed';
  kind: PoolKind;
  /** Name and version of the pool that has it, or had. */
  pool: string;
  pool_version: string | null;
}

export interface PolicyInForceRow {
  name: string;
  version: number;
  since: string;
  activated_by: string;
  /** After this time it is good no more. */
  valid_until: string | null;
  /** When the next part of it ends, itself too; null: never, empty: nobody has looked yet. */
  ends_at: string | null;
}

export interface HostPolicyRow {
  host: string;
  name: string;
  /** Version by which the host's boot was judged; null before the first. */
  judged: number | null;
}

export interface FindingRow {
  seq: number;
  host: string;
  boot: number | null;
  code: string;
  severity: 'warning' | 'failed';
  sentence: string;
  entry: number | null;
  template: string | null;
  digest: string | null;
  filename_hint: string | null;
  /** JSON, as on the wire. */
  explanation: string;
  next: string;
  open: 0 | 1;
  first_seen: string;
  last_seen: string;
  /** Who knows of it, since when, until when, and why it may stay; all null, or none. */
  acknowledged_by: string | null;
  acknowledged_at: string | null;
  acknowledged_until: string | null;
  acknowledged_why: string | null;
  /** When it ended; null while it is open. */
  resolved_at: string | null;
  /** Who ended it, and why; null where it ended by itself. */
  resolved_by: string | null;
  resolved_why: string | null;
}

/** Open findings with one code that are about one thing, on whichever hosts: what people are told of. */
export interface AlertRow {
  seq: number;
  code: string;
  /** Digest, else path, else empty. */
  subject: string;
  severity: 'warning' | 'failed';
  sentence: string;
  hosts: number;
  /** Names of some of them, JSON. */
  host_names: string;
  digest: string | null;
  first_seen: string;
  last_seen: string;
  opened_at: string;
  resolved_at: string | null;
  /** What the sinks have been told, or are being told: see `deliveries`. */
  told: 'no' | 'opened' | 'resolved';
  /** 1 while somebody knows of each of its findings. */
  acknowledged: 0 | 1;
}

/** A message on its way to a sink. */
export interface DeliveryRow {
  seq: number;
  /** Id of the message, the same for all sinks. */
  message: string;
  /** Name of the sink. */
  sink: string;
  /** AlertMessage as JSON: alerts/message.ts. */
  document: string;
  due_at: string;
  attempts: number;
  /** When the sink took it, or nobody tries any more; then `failure` says why. */
  ended_at: string | null;
  failure: string | null;
}

/** A token of a person or a program. */
export interface TokenRow {
  id: string;
  name: string;
  role: string;
  /** SHA-256 of the secret. */
  digest: Uint8Array;
  created_at: string;
  created_by: string;
  expires_at: string | null;
  revoked_at: string | null;
}

/** A person who signed in. */
export interface SessionRow {
  id: string;
  /** SHA-256 of the secret that the browser has. */
  digest: Uint8Array;
  /** Issuer, `#` and subject of the ID token. */
  subject: string;
  name: string;
  role: string;
  started_at: string;
  expires_at: string;
}

/** One entry of the audit log. */
export interface AuditRow {
  seq: number;
  at: string;
  actor: string;
  action: string;
  subject: string;
  /** JSON. */
  detail: string;
  /** Of this entry and the hash before. */
  hash: Uint8Array;
}

/** A column that the database numbers by itself. */
type Numbered<Row, Key extends keyof Row> = Omit<Row, Key> & { [Name in Key]: Generated<Row[Name]> };

export interface Schema {
  hosts: HostRow;
  enrolments: EnrolmentRow;
  admissions: Numbered<AdmissionRow, 'seq'>;
  registered_keys: RegisteredKeyRow;
  rounds: RoundRow;
  verdict_changes: Numbered<VerdictChangeRow, 'seq'>;
  host_labels: HostLabelsRow;
  boots: Numbered<BootRow, 'id'>;
  entries: Numbered<EntryRow, 'id'>;
  boot_entries: Numbered<BootEntriesRow, 'seq'>;
  boot_logs: BootLogRow;
  entry_boots: EntryBootsRow;
  list_parts: ListPartRow;
  key_renewals: Numbered<KeyRenewalRow, 'seq'>;
  tokens: TokenRow;
  sessions: SessionRow;
  audit: AuditRow;
  reference_versions: ReferenceVersionRow;
  reference_values: ReferenceValueRow;
  policies: PolicyRow;
  policy_changes: PolicyChangeRow;
  policy_source: PolicySourceRow;
  managed_policies: ManagedPolicyRow;
  policies_in_force: PolicyInForceRow;
  host_policies: HostPolicyRow;
  findings: Numbered<FindingRow, 'seq'>;
  alerts: Numbered<AlertRow, 'seq'>;
  deliveries: Numbered<DeliveryRow, 'seq'>;
}

/** The database, or a transaction on it. */
export type Database = Kysely<Schema>;

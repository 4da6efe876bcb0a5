import type { HostFacts, Measurement, Verdict } from '@assay/wire';
import type { Generated, Kysely } from 'kysely';

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
  /** When the newest verified evidence came. */
  evidence_at: string | null;
  /** What the newest verified quote showed, as JSON. */
  quote: string | null;
  /** The boot whose list is current. */
  boot: number | null;
  reference_version: number | null;
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
}

export interface ChallengeRow {
  seq: number;
  session: string;
  host: string;
  nonce: Uint8Array;
  expires_at: string;
}

/** Where the next evidence of a host continues. */
export interface KeptStateRow {
  host: string;
  reset_count: number;
  restart_count: number;
  clock: string;
  entries: number;
  bytes: number;
  pcr: Uint8Array;
  /** Version of the TPM's firmware, decimal; null in rows of older verifiers. */
  firmware: string | null;
}

export interface BootRow {
  id: number;
  host: string;
  reset_count: number;
  restart_count: number;
  since: string;
  entries: number;
  violations: number;
}

export interface MeasurementRow {
  boot: number;
  entry: number;
  pcr: number;
  template: string;
  template_digest: string;
  digest: string;
  filename_hint: string;
  status: Measurement['status'];
  /** The record of the binary list in the SHA-256 bank, the one that is quoted; the rest of the row is read from it. */
  record: Uint8Array;
  received_at: string;
}

export interface ReferenceVersionRow {
  host: string;
  version: number;
  captured_at: string;
  digests: number;
  note: string | null;
}

export interface ReferenceValueRow {
  host: string;
  version: number;
  digest: string;
  path: string;
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
}

/** A column that the database numbers by itself. */
type Numbered<Row, Key extends keyof Row> = Omit<Row, Key> & { [Name in Key]: Generated<Row[Name]> };

export interface Schema {
  hosts: HostRow;
  enrolments: EnrolmentRow;
  challenges: Numbered<ChallengeRow, 'seq'>;
  kept_states: KeptStateRow;
  boots: Numbered<BootRow, 'id'>;
  measurements: MeasurementRow;
  reference_versions: ReferenceVersionRow;
  reference_values: ReferenceValueRow;
  findings: Numbered<FindingRow, 'seq'>;
}

/** The database, or a transaction on it. */
export type Database = Kysely<Schema>;

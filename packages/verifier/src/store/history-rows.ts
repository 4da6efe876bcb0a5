import type { KeyRenewalReason, Verdict } from '@assay/wire';

/** A verdict that a host got. */
export interface VerdictChangeRow {
  seq: number;
  host: string;
  at: string;
  /** Null for the first. */
  before: Verdict | null;
  verdict: Verdict;
  sentence: string;
  /** The boot and the length of its list at that time. */
  boot: number | null;
  entries: number;
}

/** An attestation key that took the place of another. */
export interface KeyRenewalRow {
  seq: number;
  host: string;
  at: string;
  /** Of the key: hexadecimal. */
  name: string;
  reason: KeyRenewalReason;
  asked_by: string | null;
}

export interface HostLabelsRow {
  host: string;
  /** JSON: texts by name. */
  labels: string;
}

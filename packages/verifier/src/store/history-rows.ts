import type { Verdict } from '@assay/wire';

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

export interface HostLabelsRow {
  host: string;
  /** JSON: texts by name. */
  labels: string;
}

import type { FindingCode } from '../errors/index.ts';

export type Severity = 'warning' | 'failed';

export interface Explanation {
  readonly cause: string;
  readonly confidence: 'low' | 'medium' | 'high';
}

/** Something that is verified and not allowed, or that did not verify: data for a verdict. */
export interface FindingDraft {
  readonly code: FindingCode;
  readonly severity: Severity;
  /** For people; text from the host is escaped in it. */
  readonly sentence: string;
  readonly evidence: {
    readonly entry: number | null;
    readonly template: string | null;
    readonly digest: string | null;
    readonly filenameHint: string | null;
  };
  readonly explanation: readonly Explanation[];
  /** Commands to run next; nothing from the host goes into them that a shell could read as more than a word. */
  readonly next: readonly string[];
}

/** Codes that leave the host's state in doubt without showing that something bad ran. */
const WARNINGS: ReadonlySet<FindingCode> = new Set([
  'ENGINE-GAP',
  'IMA-VIOLATION-TOMTOU',
  'IMA-TEMPLATE-UNKNOWN',
  'HOST-STALE',
  'POLICY-EXPIRED',
  'HOST-DUPLICATE',
  'EK-DUPLICATE',
  'TPM-FIRMWARE-CHANGED',
  'BOOT-SECUREBOOT',
  'BOOT-COMMAND-LINE',
]);

/** A program that is installed and runs for the first time is a warning too; `judgeEntries` sees to that. */
export function severityOf(code: FindingCode): Severity {
  return WARNINGS.has(code) ? 'warning' : 'failed';
}

import type { FindingCode } from '../errors/index.ts';
import type { Severity } from './findings.ts';

export type Verdict = 'trusted' | 'warning' | 'failed' | 'stale' | 'unverified' | 'pending';

export interface OpenFinding {
  readonly code: FindingCode;
  readonly severity: Severity;
  readonly sentence: string;
}

export interface VerdictFacts {
  readonly now: Date;
  /** When the newest verified evidence came; null before the first. */
  readonly evidenceAt: Date | null;
  readonly staleAfterSeconds: number;
  /** Entries of the list that are verified. */
  readonly entries: number;
  readonly reference: { readonly version: number } | null;
  /** Newest first. */
  readonly openFindings: readonly OpenFinding[];
}

/**
 * The verdict and the one sentence that says why. Worst first: a failure stays a failure when the host falls silent,
 * old evidence is never green, and neither is an empty list, nor one that nothing was compared with.
 */
export function verdictOf(facts: VerdictFacts): { verdict: Verdict; sentence: string } {
  const failed = facts.openFindings.filter((finding) => finding.severity === 'failed');
  if (failed.length > 0) return { verdict: 'failed', sentence: summary(failed) };
  if (facts.evidenceAt === null) {
    return { verdict: 'pending', sentence: 'Enrolled; no evidence has come yet.' };
  }
  if (isStale(facts)) {
    return { verdict: 'stale', sentence: `No fresh evidence since ${facts.evidenceAt.toISOString()}.` };
  }
  if (facts.openFindings.length > 0) return { verdict: 'warning', sentence: summary(facts.openFindings) };
  if (facts.entries === 0) {
    return { verdict: 'unverified', sentence: 'The quote holds, but its PCR 10 covers no entry: nothing is measured.' };
  }
  const entries = count(facts.entries, 'entry', 'entries');
  if (facts.reference === null) {
    return {
      verdict: 'unverified',
      sentence: `${entries} verified against the TPM, and no reference values to compare them with.`,
    };
  }
  return {
    verdict: 'trusted',
    sentence: `Everything measured in this boot (${entries}) is in reference values version ${facts.reference.version}.`,
  };
}

export function isStale(facts: Pick<VerdictFacts, 'now' | 'evidenceAt' | 'staleAfterSeconds'>): boolean {
  const age = facts.now.getTime() - (facts.evidenceAt?.getTime() ?? 0);
  return age > facts.staleAfterSeconds * 1000;
}

function summary(findings: readonly OpenFinding[]): string {
  const [first, ...others] = findings;
  const sentence = first?.sentence ?? '';
  if (others.length === 0) return sentence;
  return `${sentence.replace(/\.$/, '')} (and ${count(others.length, 'more finding', 'more findings')}).`;
}

function count(number: number, one: string, many: string): string {
  return `${number} ${number === 1 ? one : many}`;
}

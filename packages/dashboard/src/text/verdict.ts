import type { HostSummary, Verdict } from '@assay/wire';
import { spanWords } from './time.ts';

/** What needs a look first. */
export const VERDICTS_BY_URGENCY: readonly Verdict[] = [
  'failed',
  'warning',
  'stale',
  'unverified',
  'pending',
  'trusted',
];

export const VERDICT_WORDS: Readonly<Record<Verdict, string>> = {
  trusted: 'Trusted',
  warning: 'Warning',
  failed: 'Failed',
  stale: 'Stale',
  unverified: 'Unverified',
  pending: 'Pending',
};

export interface ShownVerdict {
  readonly verdict: Verdict;
  readonly sentence: string;
}

/**
 * The verdict as it may be shown at this moment. The verifier turns a verdict stale by itself; when it cannot be
 * reached nobody does, and a page that was left open would stay green on old evidence.
 */
export function shownVerdict(host: HostSummary, now: number): ShownVerdict {
  const { verdict, sentence, evidenceAt, staleAfterSeconds } = host;
  const age = evidenceAt === null ? 0 : now - Date.parse(evidenceAt);
  const judgedByFreshness = verdict === 'trusted' || verdict === 'warning' || verdict === 'unverified';
  if (!judgedByFreshness || age <= staleAfterSeconds * 1000) return { verdict, sentence };
  return { verdict: 'stale', sentence: `No evidence for ${spanWords(age)}. The last verdict was “${verdict}”.` };
}

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

const RESTS_ON_FRESH: readonly Verdict[] = ['trusted', 'warning', 'unverified'];

/**
 * The verdict as it may be shown at this moment. The verifier turns a verdict stale by itself; when it cannot be
 * reached nobody does, and a page that was left open would stay green on old evidence.
 */
export function verdictNow(
  { verdict, evidenceAt }: Pick<HostSummary, 'verdict' | 'evidenceAt'>,
  staleAfterSeconds: number,
  now: number,
): Verdict {
  const age = evidenceAt === null ? 0 : now - Date.parse(evidenceAt);
  return RESTS_ON_FRESH.includes(verdict) && age > staleAfterSeconds * 1000 ? 'stale' : verdict;
}

/** The same for one host, in words. */
export function shownVerdict(host: HostSummary, now: number): ShownVerdict {
  const shown = verdictNow(host, host.staleAfterSeconds, now);
  if (shown === host.verdict || host.evidenceAt === null) return { verdict: shown, sentence: host.sentence };
  const age = spanWords(now - Date.parse(host.evidenceAt));
  return { verdict: shown, sentence: `No evidence for ${age}. The last verdict was “${host.verdict}”.` };
}

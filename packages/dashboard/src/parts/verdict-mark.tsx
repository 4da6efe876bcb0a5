import type { HostLine } from '@assay/wire';
import { useNow } from '../state/now.ts';
import { VERDICT_TONES } from '../text/tone.ts';
import { VERDICT_WORDS, verdictNow } from '../text/verdict.ts';
import { Badge } from './badge.tsx';
import { VERDICT_ICONS } from './icons.ts';

/** The verdict of a host as it may be shown at this moment. */
export function VerdictMark({ line, staleAfterSeconds }: { line: HostLine; staleAfterSeconds: number }) {
  const verdict = verdictNow(line, staleAfterSeconds, useNow());
  return (
    <Badge tone={VERDICT_TONES[verdict]} icon={VERDICT_ICONS[verdict]}>
      {VERDICT_WORDS[verdict]}
    </Badge>
  );
}

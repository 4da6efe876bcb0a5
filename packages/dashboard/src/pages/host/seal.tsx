import type { HostSummary, Verdict } from '@assay/wire';
import { useNow } from '../../state/now.ts';
import { Icon } from '../../parts/icon.tsx';
import { VERDICT_ICONS } from '../../parts/icons.ts';
import { WEAVE } from './weave.ts';

const RADIUS = 95;
const LENGTH = 2 * Math.PI * RADIUS;

/** 1 when the evidence has just come, 0 when it counts as stale. */
function freshness(host: HostSummary, now: number): number {
  if (host.evidenceAt === null) return 0;
  const age = (now - Date.parse(host.evidenceAt)) / 1000;
  return Math.min(1, Math.max(0, 1 - age / host.staleAfterSeconds));
}

/**
 * The hallmark. Its outer ring is the time that the evidence has left before it is stale. The weave, as on
 * documents of value, is there only when the verdict is "trusted".
 */
export function Seal({ host, verdict }: { host: HostSummary; verdict: Verdict }) {
  const left = freshness(host, useNow());
  return (
    <div aria-hidden="true" className="relative size-28 shrink-0 text-tone sm:size-40">
      <svg viewBox="0 0 200 200" fill="none" className="size-full -rotate-90">
        <circle cx="100" cy="100" r={RADIUS} className="stroke-tone-line" strokeWidth="2" />
        <circle
          cx="100"
          cy="100"
          r={RADIUS}
          className="freshness stroke-tone-solid"
          strokeWidth="5"
          strokeLinecap="round"
          strokeDasharray={LENGTH}
          strokeDashoffset={LENGTH * (1 - left)}
        />
        {verdict === 'trusted' ? (
          WEAVE.map((d) => <path key={d} d={d} className="stroke-tone-solid" strokeWidth="0.8" opacity="0.75" />)
        ) : (
          <circle cx="100" cy="100" r="72" className="stroke-tone-line" strokeWidth="22" strokeDasharray="1.5 5.04" />
        )}
        <circle cx="100" cy="100" r="50" className="fill-tone-solid" />
      </svg>
      <div className="absolute inset-0 grid place-items-center text-surface">
        <Icon name={VERDICT_ICONS[verdict]} className="size-10 stroke-[2.2] sm:size-14" />
      </div>
    </div>
  );
}

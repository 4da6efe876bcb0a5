import type { HostDetail } from '@assay/wire';
import { useNow } from '../../state/now.ts';
import { VERDICT_TONES } from '../../text/tone.ts';
import { shownVerdict, VERDICT_WORDS } from '../../text/verdict.ts';
import { Capture } from './capture.tsx';
import { Seal } from './seal.tsx';
import { useTitle } from '../../parts/page.tsx';
import { Age, Since } from '../../parts/time-text.tsx';
import { firstOf } from '../../parts/long-text.tsx';
import { VerdictFacts } from './verdict-facts.tsx';

export function VerdictPanel({ host }: { host: HostDetail }) {
  const { verdict, sentence } = shownVerdict(host, useNow());
  const word = VERDICT_WORDS[verdict];
  useTitle(`${word} · ${host.name}`);
  return (
    <section
      aria-labelledby="verdict"
      data-tone={VERDICT_TONES[verdict]}
      data-verdict={verdict}
      className="overflow-hidden rounded-2xl border border-tone-line bg-surface"
    >
      <p role="status" className="sr-only">
        {host.name}: {word}
      </p>
      <div className="flex flex-col gap-x-10 gap-y-6 tone-glow p-6 sm:flex-row sm:items-center sm:px-10 sm:py-8">
        <Seal host={host} verdict={verdict} />
        <div className="min-w-0 flex-1">
          <h1 id="verdict">
            <bdi className="block text-base font-medium wrap-anywhere text-muted">{host.name}</bdi>
            <span className="block font-display text-5xl leading-[1.1] font-semibold tracking-tight text-tone sm:text-6xl lg:text-7xl">
              {word}
            </span>
          </h1>
          <p title={firstOf(sentence)} className="mt-3 line-clamp-4 max-w-[62ch] text-lg leading-snug wrap-anywhere">
            {firstOf(sentence)}
          </p>
          <p className="mt-3 flex flex-wrap gap-x-5 gap-y-1 text-sm text-muted">
            {host.evidenceAt === null ? (
              <span>No evidence yet</span>
            ) : (
              <span>
                Evidence <Age at={host.evidenceAt} />
              </span>
            )}
            <span>
              {VERDICT_WORDS[host.verdict]} <Since at={host.verdictSince} />
            </span>
          </p>
        </div>
        <Capture host={host} />
      </div>
      <VerdictFacts host={host} />
    </section>
  );
}

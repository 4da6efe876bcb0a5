import type { HostTimeline } from '@assay/wire';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { timelineQuery } from '../../api/queries.ts';
import { Badge } from '../../parts/badge.tsx';
import { FactList } from '../../parts/fact-list.tsx';
import { Icon, type IconName } from '../../parts/icon.tsx';
import { VERDICT_ICONS } from '../../parts/icons.ts';
import { Loaded } from '../../parts/loaded.tsx';
import { firstOf } from '../../parts/long-text.tsx';
import { Section } from '../../parts/section.tsx';
import { Age, ClockTime } from '../../parts/time-text.tsx';
import { countWords, numberWords } from '../../text/numbers.ts';
import { type Tone, VERDICT_TONES } from '../../text/tone.ts';
import { VERDICT_WORDS } from '../../text/verdict.ts';
import { MeasurementsThen } from './measurements.tsx';
import { type Happening, happenings, pastAt } from './past.ts';

/** More are in the answer of the API. */
const SHOWN = 200;

const ICONS: Readonly<Record<Happening['kind'], IconName>> = {
  verdict: 'dots',
  boot: 'bolt',
  entries: 'list',
  reference: 'stamp',
  key: 'key',
  opened: 'flag',
  closed: 'check',
};

const TONES: Readonly<Record<Happening['kind'], Tone>> = {
  verdict: 'quiet',
  boot: 'quiet',
  entries: 'quiet',
  reference: 'open',
  key: 'quiet',
  opened: 'bad',
  closed: 'good',
};

function HappeningRow({ host, row, on }: { host: string; row: Happening; on: boolean }) {
  const { verdict } = row;
  return (
    <li
      data-tone={verdict === undefined ? TONES[row.kind] : VERDICT_TONES[verdict]}
      data-kind={row.kind}
      className={`relative flex gap-3 px-4 py-2.5 sm:px-5 ${on ? 'bg-tone-soft' : 'hover:bg-sunken'}`}
    >
      <Icon
        name={verdict === undefined ? ICONS[row.kind] : VERDICT_ICONS[verdict]}
        className="mt-0.5 size-4.5 text-tone"
      />
      <div className="min-w-0 flex-1">
        <p className="flex flex-wrap items-baseline gap-x-3">
          <Link
            to="/hosts/$host"
            params={{ host }}
            search={{ tab: 'timeline', at: row.at }}
            resetScroll={false}
            aria-current={on ? 'true' : undefined}
            className="text-sm font-medium after:absolute after:inset-0"
          >
            {verdict === undefined ? row.title : `Became ${VERDICT_WORDS[verdict].toLowerCase()}`}
          </Link>
          <span className="ms-auto text-xs text-muted">
            <Age at={row.at} />
          </span>
        </p>
        <p className="line-clamp-2 text-sm wrap-anywhere text-muted">{firstOf(row.detail)}</p>
      </div>
    </li>
  );
}

/** How the host stood at the chosen time. */
function PastState({ timeline, at }: { timeline: HostTimeline; at: string }) {
  const { verdict, boot, entries, open, capture } = pastAt(timeline, at);
  return (
    <div className="card space-y-4 p-5" data-past={at}>
      <p className="flex flex-wrap items-center gap-3">
        {verdict === undefined ? (
          <span className="font-semibold">Not enrolled yet</span>
        ) : (
          <Badge tone={VERDICT_TONES[verdict.verdict]} icon={VERDICT_ICONS[verdict.verdict]}>
            {VERDICT_WORDS[verdict.verdict]}
          </Badge>
        )}
        <span className="text-sm text-muted">
          <ClockTime at={at} />
        </span>
      </p>
      {verdict !== undefined && <p className="wrap-anywhere">{firstOf(verdict.sentence)}</p>}
      <FactList
        facts={[
          [
            'Boot',
            boot === undefined ? 'none seen yet' : `${boot.id}: reset ${boot.resetCount}, restart ${boot.restartCount}`,
          ],
          ['Measurement list', countWords(entries, 'entry', 'entries')],
          ['Captured values', capture === undefined ? 'none yet' : `version ${capture.version}`],
          ['Open findings', numberWords(open.length)],
        ]}
      />
      <ul className="space-y-1 text-sm">
        {open.slice(0, 8).map(({ id, sentence }) => (
          <li key={id} className="wrap-anywhere">
            <Link to="/findings/$id" params={{ id }} className="underline underline-offset-4">
              {id}
            </Link>{' '}
            {firstOf(sentence)}
          </li>
        ))}
      </ul>
    </div>
  );
}

function Lanes({ host, timeline, at }: { host: string; timeline: HostTimeline; at: string | undefined }) {
  const rows = happenings(timeline);
  const shown = at ?? rows[0]?.at ?? timeline.enrolledAt;
  return (
    <div className="space-y-6">
      <div className="grid items-start gap-6 lg:grid-cols-[minmax(0,3fr)_minmax(18rem,2fr)]">
        <Section id="happened" title="What happened" aside={<span className="text-sm text-muted">Newest first</span>}>
          <ol className="card divide-y divide-line overflow-hidden">
            {rows.slice(0, SHOWN).map((row) => (
              <HappeningRow key={row.key} host={host} row={row} on={row.at === shown} />
            ))}
          </ol>
        </Section>
        <div className="lg:sticky lg:top-4">
          <Section id="then" title={at === undefined ? 'How it stands' : 'How it stood then'}>
            <PastState timeline={timeline} at={shown} />
          </Section>
        </div>
      </div>
      {at !== undefined && <MeasurementsThen key={at} host={host} at={at} />}
    </div>
  );
}

/** What happened to the host, and how it stood at any of these moments. */
export function Timeline({ host, at }: { host: string; at: string | undefined }) {
  return (
    <Loaded query={useQuery(timelineQuery(host))}>
      {(timeline) => <Lanes host={host} timeline={timeline} at={at} />}
    </Loaded>
  );
}

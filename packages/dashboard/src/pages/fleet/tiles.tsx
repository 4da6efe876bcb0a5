import type { FleetDocument, HostLine, Verdict } from '@assay/wire';
import { Link } from '@tanstack/react-router';
import { Icon } from '../../parts/icon.tsx';
import { VERDICT_ICONS } from '../../parts/icons.ts';
import { numberWords } from '../../text/numbers.ts';
import { VERDICT_TONES } from '../../text/tone.ts';
import { VERDICT_WORDS, VERDICTS_BY_URGENCY } from '../../text/verdict.ts';

const WIDTH = 144;
const HEIGHT = 28;

/** The past day as a line, from nothing to the most there was. */
function DayLine({ counts }: { counts: readonly number[] }) {
  const most = Math.max(1, ...counts);
  const y = (count: number): string => (HEIGHT - 1 - (count / most) * (HEIGHT - 3)).toFixed(1);
  const step = WIDTH / Math.max(1, counts.length - 1);
  const line = counts.map((count, index) => `${(index * step).toFixed(1)} ${y(count)}`).join('L');
  return (
    <svg
      aria-hidden="true"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      preserveAspectRatio="none"
      className="mt-2 h-7 w-full text-tone"
    >
      <path d={`M0 ${HEIGHT}L${line}L${WIDTH} ${HEIGHT}Z`} className="fill-tone-soft" />
      <path
        d={`M${line}`}
        fill="none"
        className="stroke-tone-solid"
        strokeWidth="1.5"
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  );
}

/** What the day changed, in words, for those who do not see the line. */
function dayWords(counts: readonly number[]): string {
  const most = Math.max(0, ...counts);
  return `; a day ago ${numberWords(counts[0] ?? 0)}, at most ${numberWords(most)} since`;
}

interface TileProps {
  readonly verdict: Verdict;
  readonly hosts: number;
  readonly day: readonly number[] | undefined;
}

function Tile({ verdict, hosts, day }: TileProps) {
  return (
    <li data-tone={VERDICT_TONES[verdict]} data-verdict={verdict} className="card relative overflow-hidden p-4 pb-3">
      <p className="flex items-center gap-1.5 text-sm font-semibold text-tone">
        <Icon name={VERDICT_ICONS[verdict]} className="size-4 stroke-[2.6]" />
        {VERDICT_WORDS[verdict]}
      </p>
      <Link
        to="/hosts"
        search={{ verdict: [verdict] }}
        className={`digits mt-1 block font-display text-4xl font-semibold outline-none after:absolute after:inset-0 after:rounded-2xl focus-visible:after:outline-2 focus-visible:after:outline-focus ${hosts === 0 ? 'text-muted' : 'text-tone'}`}
      >
        {numberWords(hosts)}
        <span className="sr-only">
          {' '}
          {VERDICT_WORDS[verdict]}
          {day !== undefined && dayWords(day)}
        </span>
      </Link>
      {day === undefined ? <div className="mt-2 h-7" /> : <DayLine counts={day} />}
    </li>
  );
}

/** How many hosts have each verdict, with the line of the past day; each number leads to its hosts. */
export function Tiles({ hosts, fleet }: { hosts: readonly HostLine[]; fleet: FleetDocument | undefined }) {
  const byVerdict = Map.groupBy(hosts, ({ verdict }) => verdict);
  return (
    <ul aria-label="Hosts by verdict" className="grid grid-cols-2 gap-3 sm:grid-cols-3 xl:grid-cols-6">
      {VERDICTS_BY_URGENCY.map((verdict) => {
        const now = byVerdict.get(verdict)?.length ?? 0;
        const past = fleet?.history.verdicts[verdict];
        const day = past === undefined ? undefined : [...past.slice(0, -1), now];
        return <Tile key={verdict} verdict={verdict} hosts={now} day={day} />;
      })}
    </ul>
  );
}

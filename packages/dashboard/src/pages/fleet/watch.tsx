import type { FleetDocument, HostLine } from '@assay/wire';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useConnection } from '../../api/live.ts';
import { Icon, type IconName } from '../../parts/icon.tsx';
import { Section } from '../../parts/section.tsx';
import { Age, Since } from '../../parts/time-text.tsx';
import { useNow } from '../../state/now.ts';
import { countWords, numberWords } from '../../text/numbers.ts';
import { secondsWords } from '../../text/time.ts';
import type { Tone } from '../../text/tone.ts';
import type { HostsSearch } from '../hosts/search.ts';

/** The verifier says of itself that it is late when its own work is later than this. */
const LATE_SECONDS = 10;

interface Sign {
  readonly tone: Tone;
  readonly icon: IconName;
  readonly words: string;
}

function signOf(live: boolean, lateSeconds: number): Sign {
  if (!live) return { tone: 'bad', icon: 'cross', words: 'Not heard: nothing here may be true any more' };
  if (lateSeconds > LATE_SECONDS) {
    return { tone: 'caution', icon: 'alert', words: `It works, and is ${Math.round(lateSeconds)} s late` };
  }
  return { tone: 'good', icon: 'pulse', words: 'It works, and is in time' };
}

function Heartbeat({ fleet }: { fleet: FleetDocument }) {
  const { tone, icon, words } = signOf(useConnection().state === 'live', fleet.verifier.lateSeconds);
  return (
    <div data-tone={tone} className="flex items-start gap-3">
      <span className="grid size-9 shrink-0 place-items-center rounded-full bg-tone-soft text-tone">
        <Icon name={icon} className="size-5" />
      </span>
      <div className="min-w-0">
        <p className="font-semibold text-tone">{words}</p>
        <p className="text-sm text-muted">
          Version {fleet.verifier.version}, <Since at={fleet.verifier.startedAt} />. Counted <Age at={fleet.at} />.{' '}
          <Link to="/health" className="underline underline-offset-4">
            More of its health
          </Link>
        </p>
      </div>
    </div>
  );
}

const PARTS = [0.25, 0.5, 0.75, 1] as const;

/** How many hosts have evidence how old, in quarters of the time after which it is stale. */
function agesOf(hosts: readonly HostLine[], staleAfterSeconds: number, now: number): readonly number[] {
  const counts = Array.from({ length: PARTS.length + 2 }, () => 0);
  for (const { evidenceAt } of hosts) {
    const age = evidenceAt === null ? null : (now - Date.parse(evidenceAt)) / 1000 / staleAfterSeconds;
    const part = age === null ? PARTS.length + 1 : PARTS.findIndex((most) => age <= most);
    const index = part < 0 ? PARTS.length : part;
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return counts;
}

interface BarProps {
  readonly words: string;
  readonly count: number;
  readonly most: number;
  readonly tone: Tone;
  /** Where its hosts are. */
  readonly rows: HostsSearch;
}

function Bar({ words, count, most, tone, rows }: BarProps) {
  return (
    <tr data-tone={tone}>
      <th scope="row" className="py-0.5 pe-3 text-start text-xs font-normal whitespace-nowrap text-muted">
        {words}
      </th>
      <td className="digits w-full text-xs">
        <Link to="/hosts" search={rows} className="flex items-center gap-2 underline-offset-4 hover:underline">
          <span
            aria-hidden="true"
            className="block h-3 min-w-px rounded-sm bg-tone-solid"
            style={{ width: `${(85 * count) / Math.max(1, most)}%` }}
          />
          {numberWords(count)}
          <span className="sr-only"> {count === 1 ? 'host' : 'hosts'}</span>
        </Link>
      </td>
    </tr>
  );
}

/** The hosts of a part, the newest evidence first. */
const rowsOf = (index: number, staleAfterSeconds: number): HostsSearch => ({
  minAge: index === 0 ? undefined : (PARTS[index - 1] ?? 0) * staleAfterSeconds,
  maxAge: (PARTS[index] ?? 1) * staleAfterSeconds,
  sort: 'evidence',
});

function Freshness({ hosts, staleAfterSeconds }: { hosts: readonly HostLine[]; staleAfterSeconds: number }) {
  const counts = agesOf(hosts, staleAfterSeconds, useNow());
  const most = Math.max(...counts);
  const upTo = PARTS.map((part) => `up to ${secondsWords(part * staleAfterSeconds)}`);
  return (
    <table className="w-full">
      <caption className="mb-2 text-start text-sm font-semibold">Age of the newest evidence</caption>
      <tbody>
        {upTo.map((words, index) => (
          <Bar
            key={words}
            words={words}
            count={counts[index] ?? 0}
            most={most}
            tone="good"
            rows={rowsOf(index, staleAfterSeconds)}
          />
        ))}
        <Bar
          words="older: stale"
          count={counts[PARTS.length] ?? 0}
          most={most}
          tone="old"
          rows={{ verdict: ['stale'] }}
        />
        <Bar
          words="none yet"
          count={counts[PARTS.length + 1] ?? 0}
          most={most}
          tone="quiet"
          rows={{ verdict: ['pending'] }}
        />
      </tbody>
    </table>
  );
}

function Row({ children }: { children: ReactNode }) {
  return <li className="space-y-1 py-2 text-sm">{children}</li>;
}

function RollOut({ fleet }: { fleet: FleetDocument }) {
  return (
    <div>
      <h3 className="text-sm font-semibold">Compared with</h3>
      <ul className="divide-y divide-line">
        {fleet.policies.map(({ name, version, since, hosts, judged }) => (
          <Row key={name}>
            <span className="flex flex-wrap justify-between gap-x-3">
              <Link to="/hosts" search={{ policy: name }} className="font-medium underline-offset-4 hover:underline">
                {name}@{version}
              </Link>
              <span className="digits text-muted">
                {numberWords(judged)} of {countWords(hosts, 'host', 'hosts')} judged, <Since at={since} />
              </span>
            </span>
            <span data-tone="good" aria-hidden="true" className="block h-1.5 overflow-hidden rounded-full bg-tone-soft">
              <span
                className="block h-full bg-tone-solid"
                style={{ width: `${(100 * judged) / Math.max(1, hosts)}%` }}
              />
            </span>
          </Row>
        ))}
        {fleet.captured > 0 && (
          <Row>
            <Link to="/hosts" search={{ policy: 'captured' }} className="underline-offset-4 hover:underline">
              {countWords(fleet.captured, 'host', 'hosts')} with values captured there
            </Link>
          </Row>
        )}
        {fleet.withoutReference > 0 && (
          <Row>
            <Link to="/hosts" search={{ policy: 'none' }} className="underline-offset-4 hover:underline">
              {countWords(fleet.withoutReference, 'host', 'hosts')} with nothing to be compared with
            </Link>
          </Row>
        )}
      </ul>
    </div>
  );
}

interface WatchProps {
  readonly fleet: FleetDocument;
  readonly hosts: readonly HostLine[];
}

/** Whether the watch itself is alive, how fresh what it knows is, and what it compares with. */
export function Watch({ fleet, hosts }: WatchProps) {
  return (
    <Section id="watch" title="The watch">
      <div className="card space-y-5 p-5">
        <Heartbeat fleet={fleet} />
        <Freshness hosts={hosts} staleAfterSeconds={fleet.verifier.staleAfterSeconds} />
        <RollOut fleet={fleet} />
      </div>
    </Section>
  );
}

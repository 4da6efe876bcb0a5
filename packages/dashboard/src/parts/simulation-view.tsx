import type { PolicySimulation } from '@assay/wire';
import { countWords, numberWords } from '../text/numbers.ts';
import { VERDICT_TONES } from '../text/tone.ts';
import { VERDICT_WORDS } from '../text/verdict.ts';
import { Badge } from './badge.tsx';
import { HostLinks } from './host-link.tsx';
import { Icon } from './icon.tsx';
import { VERDICT_ICONS } from './icons.ts';

const SHOWN = 12;

type Simulated = PolicySimulation['hosts'][number];

function VerdictWord({ verdict }: { verdict: Simulated['after'] }) {
  return (
    <Badge tone={VERDICT_TONES[verdict]} icon={VERDICT_ICONS[verdict]}>
      {VERDICT_WORDS[verdict]}
    </Badge>
  );
}

/** Hosts by what becomes of their verdict. */
function Turns({ simulation: { hosts, turns, hostsInAll } }: { simulation: PolicySimulation }) {
  const turned = turns.filter(({ before, after }) => before !== after);
  const same = hostsInAll - turned.reduce((sum, turn) => sum + turn.hosts, 0);
  return (
    <ul className="space-y-2">
      {turned.map(({ before, after, hosts: count }) => (
        <li key={`${before} ${after}`} className="flex flex-wrap items-center gap-2 text-sm">
          <VerdictWord verdict={before} />
          <Icon name="arrow" className="size-4 text-muted" />
          <span className="sr-only">becomes</span>
          <VerdictWord verdict={after} />
          <span className="digits font-semibold">{countWords(count, 'host', 'hosts')}</span>
          <HostLinks
            names={hosts.filter((host) => host.before === before && host.after === after).map(({ host }) => host)}
            all={count}
          />
        </li>
      ))}
      {same > 0 && (
        <li className="text-sm text-muted">
          {countWords(same, 'host keeps its verdict', 'hosts keep their verdicts')}.
        </li>
      )}
    </ul>
  );
}

const EFFECTS = {
  refused: { tone: 'bad', icon: 'cross', word: 'Would be refused' },
  accepted: { tone: 'good', icon: 'check', word: 'Would be accepted' },
  other: { tone: 'quiet', icon: 'dots', word: 'Answered otherwise' },
} as const;

function Cause({ cause }: { cause: PolicySimulation['causes'][number] }) {
  const { tone, icon, word } = EFFECTS[cause.effect];
  return (
    <li className="space-y-1 px-4 py-3">
      <p className="flex flex-wrap items-baseline gap-x-2 text-sm">
        <Badge tone={tone} icon={icon}>
          {word}
        </Badge>
        <bdi className="font-medium wrap-anywhere">{cause.cause}</bdi>
        <span className="digits text-muted">
          {countWords(cause.entries, 'entry', 'entries')} on {countWords(cause.hostsInAll, 'host', 'hosts')}
        </span>
      </p>
      <p className="font-mono text-xs text-muted wrap-anywhere">
        <bdi>{cause.paths.slice(0, SHOWN).join('  ')}</bdi>
      </p>
      <p className="text-sm">
        <HostLinks names={cause.hosts} all={cause.hostsInAll} />
      </p>
    </li>
  );
}

function Unused({ simulation: { unused, unusedFiles, excludes } }: { simulation: PolicySimulation }) {
  const none = excludes.filter(({ entries }) => entries === 0).length;
  if (unused.length === 0 && unusedFiles.paths === 0 && excludes.length === 0) return null;
  const digests = unused.reduce((sum, pool) => sum + pool.digests, 0);
  return (
    <ul className="list-disc space-y-1 ps-5 text-sm text-muted">
      {digests > 0 && (
        <li>
          {countWords(digests, 'digest', 'digests')} of {countWords(unused.length, 'pool', 'pools')} that no list holds
        </li>
      )}
      {unusedFiles.paths > 0 && (
        <li>
          {unusedFiles.paths} of {countWords(unusedFiles.of, 'rule for a path', 'rules for paths')} that no list needs
        </li>
      )}
      {excludes.length > none && (
        <li>{countWords(excludes.length - none, 'exclude', 'excludes')} let something through</li>
      )}
    </ul>
  );
}

/** What reference values would make of what the fleet has measured. */
export function SimulationView({ simulation }: { simulation: PolicySimulation }) {
  const { causes, causesInAll, earlierInAll, earlierTurned, hostsInAll } = simulation;
  if (hostsInAll === 0) return <p className="text-muted">No host of this policy has sent evidence yet.</p>;
  return (
    <div className="space-y-4">
      <Turns simulation={simulation} />
      {earlierInAll > 0 && (
        <p className="text-sm text-muted">
          {countWords(earlierInAll, 'earlier boot', 'earlier boots')} recorded, of which {numberWords(earlierTurned)}{' '}
          would be judged otherwise.
        </p>
      )}
      {causes.length > 0 && (
        <ul aria-label="Why" className="card divide-y divide-line">
          {causes.slice(0, SHOWN).map((cause) => (
            <Cause key={`${cause.effect} ${cause.cause}`} cause={cause} />
          ))}
        </ul>
      )}
      {causesInAll > SHOWN && <p className="text-sm text-muted">and {numberWords(causesInAll - SHOWN)} causes more</p>}
      <Unused simulation={simulation} />
    </div>
  );
}

import type { FleetDocument } from '@assay/wire';
import { Link } from '@tanstack/react-router';
import { Badge } from '../../parts/badge.tsx';
import { HostLinks } from '../../parts/host-link.tsx';
import { firstOf } from '../../parts/long-text.tsx';
import { Section } from '../../parts/section.tsx';
import { Age } from '../../parts/time-text.tsx';
import { countWords } from '../../text/numbers.ts';
import { SEVERITY_TONES } from '../../text/tone.ts';

type Cause = FleetDocument['causes'][number];

const SEVERITY = { failed: { icon: 'cross', word: 'Failed' }, warning: { icon: 'alert', word: 'Warning' } } as const;

function CauseRow({ cause }: { cause: Cause }) {
  const { icon, word } = SEVERITY[cause.severity];
  return (
    <li className="space-y-1.5 px-4 py-3 sm:px-5">
      <p className="flex flex-wrap items-center gap-x-3 gap-y-1 text-sm">
        <Badge tone={SEVERITY_TONES[cause.severity]} icon={icon}>
          {word}
        </Badge>
        <code className="font-mono text-xs text-muted">{cause.code}</code>
        {cause.acknowledged && <span className="text-xs text-muted">somebody knows of it</span>}
        <span className="ms-auto text-muted">
          <Age at={cause.lastSeen} />
        </span>
      </p>
      <p className="line-clamp-2 font-medium wrap-anywhere" title={firstOf(cause.sentence)}>
        <Link
          to="/findings"
          search={{ code: cause.code, q: cause.subject.slice(0, 200) }}
          className="underline-offset-4 hover:underline"
        >
          {firstOf(cause.sentence)}
        </Link>
      </p>
      <p className="text-sm text-muted">
        On {countWords(cause.hosts, 'host', 'hosts')}: <HostLinks names={cause.hostNames} all={cause.hosts} />
      </p>
    </li>
  );
}

/** What is the matter, once for each cause whatever number of hosts has it. */
export function Causes({ fleet }: { fleet: FleetDocument }) {
  const more = fleet.causesInAll - fleet.causes.length;
  return (
    <Section
      id="causes"
      title="What is the matter"
      aside={<p className="digits text-sm text-muted">{countWords(fleet.causesInAll, 'open cause', 'open causes')}</p>}
    >
      {fleet.causes.length === 0 ? (
        <p className="card border-dashed p-6 text-muted">
          Nothing is open. A file that no reference value knows shows here as soon as it runs anywhere.
        </p>
      ) : (
        <ul className="card divide-y divide-line">
          {fleet.causes.map((cause) => (
            <CauseRow key={`${cause.code} ${cause.subject}`} cause={cause} />
          ))}
        </ul>
      )}
      {more > 0 && (
        <p className="mt-3 text-sm text-muted">
          <Link to="/findings" className="underline underline-offset-4">
            {countWords(more, 'more cause', 'more causes')}
          </Link>
        </p>
      )}
    </Section>
  );
}

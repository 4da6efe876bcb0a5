import type { HostLine, Verdict } from '@assay/wire';
import { useQuery } from '@tanstack/react-query';
import { Link, Navigate, useCanGoBack } from '@tanstack/react-router';
import { type Fleet, hostLinesQuery } from '../../api/queries.ts';
import { Icon } from '../../parts/icon.tsx';
import { VERDICT_ICONS } from '../../parts/icons.ts';
import { Loaded } from '../../parts/loaded.tsx';
import { Page } from '../../parts/page.tsx';
import { countWords, numberWords } from '../../text/numbers.ts';
import { VERDICT_TONES } from '../../text/tone.ts';
import { VERDICT_WORDS, VERDICTS_BY_URGENCY } from '../../text/verdict.ts';
import { EmptyFleet } from './empty-fleet.tsx';

function Tile({ verdict, hosts }: { verdict: Verdict; hosts: number }) {
  return (
    <li data-tone={VERDICT_TONES[verdict]} data-verdict={verdict} className="card relative p-4">
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
        <span className="sr-only"> {VERDICT_WORDS[verdict]}</span>
      </Link>
    </li>
  );
}

function Tiles({ hosts }: { hosts: readonly HostLine[] }) {
  const byVerdict = Map.groupBy(hosts, ({ verdict }) => verdict);
  return (
    <ul aria-label="Hosts by verdict" className="grid grid-cols-2 gap-3 sm:grid-cols-3 xl:grid-cols-6">
      {VERDICTS_BY_URGENCY.map((verdict) => (
        <Tile key={verdict} verdict={verdict} hosts={byVerdict.get(verdict)?.length ?? 0} />
      ))}
    </ul>
  );
}

/** Who opens the page of a fleet of one wants to see that one; who chose the fleet in the menu wants the fleet. */
function useOnlyHost(fleet: Fleet | undefined): HostLine | undefined {
  const chosen = useCanGoBack();
  return fleet?.hosts.length === 1 && !chosen ? fleet.hosts[0] : undefined;
}

export function FleetPage() {
  const query = useQuery(hostLinesQuery);
  const only = useOnlyHost(query.data);
  if (only !== undefined) return <Navigate to="/hosts/$host" params={{ host: only.name }} replace />;
  if (query.data?.hosts.length === 0) return <EmptyFleet />;
  return (
    <Page
      title="Fleet"
      lead={query.data === undefined ? 'Asking the verifier' : countWords(query.data.hosts.length, 'host', 'hosts')}
      command="assay hosts get"
    >
      <Loaded query={query}>{(fleet) => <Tiles hosts={fleet.hosts} />}</Loaded>
    </Page>
  );
}

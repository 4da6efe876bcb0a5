import type { HostLine } from '@assay/wire';
import { useQuery } from '@tanstack/react-query';
import { Navigate, useCanGoBack } from '@tanstack/react-router';
import { type Fleet, fleetQuery, hostLinesQuery } from '../../api/queries.ts';
import { leadOf, Loaded } from '../../parts/loaded.tsx';
import { Page } from '../../parts/page.tsx';
import { countWords, numberWords } from '../../text/numbers.ts';
import { Causes } from './causes.tsx';
import { EmptyFleet } from './empty-fleet.tsx';
import { HeatGrid } from './heat-grid.tsx';
import { Tiles } from './tiles.tsx';
import { Watch } from './watch.tsx';

/** Who opens the page of a fleet of one wants to see that one; who chose the fleet in the menu wants the fleet. */
function useOnlyHost(fleet: Fleet | undefined): HostLine | undefined {
  const chosen = useCanGoBack();
  return fleet?.hosts.length === 1 && !chosen ? fleet.hosts[0] : undefined;
}

/** The state of the fleet in one sentence, the worst first. */
function lead({ hosts }: Fleet): string {
  const all = countWords(hosts.length, 'host', 'hosts');
  const failed = hosts.filter(({ verdict }) => verdict === 'failed').length;
  const well = hosts.filter(({ verdict }) => verdict === 'trusted').length;
  if (failed > 0) return `${numberWords(failed)} of ${all} failed`;
  return well === hosts.length ? `All ${all} are trusted` : `${numberWords(well)} of ${all} are trusted`;
}

export function FleetPage() {
  const query = useQuery(hostLinesQuery);
  const summary = useQuery(fleetQuery);
  const only = useOnlyHost(query.data);
  if (only !== undefined) return <Navigate to="/hosts/$host" params={{ host: only.name }} replace />;
  if (query.data?.hosts.length === 0) return <EmptyFleet />;
  return (
    <Page title="Fleet" lead={leadOf(query, lead)} command="assay fleet show">
      <Loaded query={query}>
        {({ hosts }) => (
          <div className="space-y-7">
            <Tiles hosts={hosts} fleet={summary.data} />
            <HeatGrid hosts={hosts} />
            <Loaded query={summary}>
              {(fleet) => (
                <div className="grid items-start gap-x-6 gap-y-7 lg:grid-cols-[minmax(0,3fr)_minmax(19rem,2fr)]">
                  <Causes fleet={fleet} />
                  <Watch fleet={fleet} hosts={hosts} />
                </div>
              )}
            </Loaded>
          </div>
        )}
      </Loaded>
    </Page>
  );
}

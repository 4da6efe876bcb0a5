import type { HostDetail } from '@assay/wire';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { hostQuery } from '../../api/queries.ts';
import { Empty } from '../../parts/empty.tsx';
import { CopyAsCommand, useTitle } from '../../parts/page.tsx';
import { Loaded } from '../../parts/loaded.tsx';
import { isUnknown } from '../../parts/problem-text.tsx';
import { SkeletonPanel } from '../../parts/skeleton.tsx';
import { assayCommand } from '../../text/shell.ts';
import { Boot } from './boot.tsx';
import { Identity, RawEvidence } from './details.tsx';
import { Findings } from './findings.tsx';
import { HostPolicy } from './host-policy.tsx';
import { Ladder } from './ladder.tsx';
import { Measurements } from './measurements.tsx';
import type { HostTab } from './search.ts';
import { Tabs } from './tabs.tsx';
import { Timeline } from './timeline.tsx';
import { VerdictPanel } from './verdict-panel.tsx';

const host = getRouteApi('/hosts/$host');

function commandFor(name: string, tab: HostTab | undefined): string {
  const verb = tab === 'boot' || tab === 'timeline' ? tab : 'get';
  return assayCommand(['hosts', verb, name]);
}

function Trail({ name }: { name: string }) {
  const { tab } = host.useSearch();
  return (
    <div className="mb-3 flex flex-wrap items-center justify-between gap-x-6 gap-y-2">
      <nav aria-label="Where this is" className="flex min-w-0 items-center gap-2 text-sm text-muted">
        <Link to="/hosts" className="rounded underline-offset-4 hover:text-ink hover:underline">
          Hosts
        </Link>
        <span aria-hidden="true">/</span>
        <bdi className="truncate font-medium text-ink">{name}</bdi>
      </nav>
      <CopyAsCommand command={commandFor(name, tab)} />
    </div>
  );
}

function Overview({ detail }: { detail: HostDetail }) {
  return (
    <div className="host-grid">
      <Findings host={detail} />
      <Ladder ladder={detail.ladder} />
      <Measurements host={detail} />
    </div>
  );
}

function Shown({ detail }: { detail: HostDetail }) {
  const { tab = 'overview', at } = host.useSearch();
  return (
    <>
      <VerdictPanel host={detail} />
      <Tabs host={detail.name} tab={tab} />
      {tab === 'overview' && <Overview detail={detail} />}
      {tab === 'timeline' && <Timeline host={detail.name} at={at} />}
      {tab === 'measurements' && <Measurements host={detail} />}
      {tab === 'boot' && <Boot host={detail} />}
      {tab === 'policy' && <HostPolicy host={detail} />}
      {tab === 'identity' && <Identity host={detail} />}
      {tab === 'evidence' && <RawEvidence host={detail} />}
    </>
  );
}

function UnknownHost({ name }: { name: string }) {
  useTitle('No such host');
  return (
    <section aria-labelledby="unknown">
      <h1 id="unknown" className="sr-only">
        No host is called {name}
      </h1>
      <Empty icon="question" title={`No host is called ${name}`}>
        <p>It was never enrolled here, or was enrolled under another name.</p>
        <p>
          <Link to="/hosts" className="underline underline-offset-4">
            All hosts
          </Link>
        </p>
      </Empty>
    </section>
  );
}

export function HostPage() {
  const { host: name } = host.useParams();
  const query = useQuery(hostQuery(name));
  if (isUnknown(query.error)) return <UnknownHost name={name} />;
  return (
    <>
      <Trail name={name} />
      {query.data === undefined && <h1 className="sr-only">{name}</h1>}
      <Loaded query={query} skeleton={<SkeletonPanel />}>
        {(detail) => <Shown key={detail.id} detail={detail} />}
      </Loaded>
    </>
  );
}

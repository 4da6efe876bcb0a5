import type { HostSummary } from '@assay/wire';
import { useQuery } from '@tanstack/react-query';
import { useConnection } from '../api/live.ts';
import { hostsQuery } from '../api/queries.ts';
import { useSelectedHost } from '../state/selected-host.ts';
import { ConnectionBanner } from './connection-banner.tsx';
import { EmptyFleet } from './empty-fleet.tsx';
import { Header } from './header.tsx';
import { HostStrip } from './host-strip.tsx';
import { HostView } from './host-view.tsx';
import { ProblemText } from './problem-text.tsx';
import { SkeletonPanel } from './skeleton.tsx';
import { UnknownHost } from './unknown-host.tsx';

function Hosts({ hosts }: { hosts: readonly HostSummary[] }) {
  const { name, host } = useSelectedHost(hosts);
  if (hosts.length === 0) return <EmptyFleet />;
  return (
    <>
      <HostStrip hosts={hosts} selected={name} />
      {host === undefined ? (
        <UnknownHost name={name} known={hosts.map((other) => other.name)} />
      ) : (
        <HostView key={host.id} host={host} />
      )}
    </>
  );
}

function Content() {
  const { data, error } = useQuery(hostsQuery);
  if (data !== undefined) return <Hosts hosts={data} />;
  return (
    <>
      <h1 className="sr-only">Hosts</h1>
      {error === null ? <SkeletonPanel /> : <ProblemText error={error} />}
    </>
  );
}

export function Page() {
  const old = useConnection().state === 'lost';
  return (
    <>
      <ConnectionBanner />
      <Header />
      <main data-old={old || undefined} className="page-width flex-1 pb-16 transition-[filter] data-old:grayscale">
        <Content />
      </main>
      <footer className="page-width border-t border-line py-6 text-sm text-muted">
        Assay shows which files ran and what the TPM vouches for. It does not show what a running program does.
      </footer>
    </>
  );
}

import type { HostSummary } from '@assay/wire';
import { useQuery } from '@tanstack/react-query';
import { hostQuery } from '../api/queries.ts';
import { Findings } from './findings.tsx';
import { Ladder } from './ladder.tsx';
import { Measurements } from './measurements.tsx';
import { VerdictPanel } from './verdict-panel.tsx';

export function HostView({ host }: { host: HostSummary }) {
  const { data } = useQuery(hostQuery(host.id));
  return (
    <>
      <VerdictPanel host={host} detail={data} />
      <div className="host-grid mt-8">
        <Findings host={host} />
        <Ladder hostId={host.id} />
        <Measurements host={host} />
      </div>
    </>
  );
}

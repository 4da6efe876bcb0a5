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
      <div className="mt-8 grid items-start gap-8 lg:grid-cols-[minmax(19rem,5fr)_8fr] 3xl:grid-cols-[5fr_7fr_9fr]">
        <Ladder hostId={host.id} />
        <div className="contents space-y-8 lg:block 3xl:contents 3xl:space-y-0">
          <Findings host={host} />
          <Measurements host={host} />
        </div>
      </div>
    </>
  );
}

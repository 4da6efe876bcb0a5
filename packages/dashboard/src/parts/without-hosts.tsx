import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { hostLinesQuery } from '../api/queries.ts';
import { Command } from './command.tsx';

/** What a page that is empty because there is no host says in the first minute; nothing once there is one. */
export function WithoutHosts({ what }: { what: string }) {
  const { data } = useQuery(hostLinesQuery);
  if (data === undefined || data.hosts.length > 0) return null;
  return (
    <div className="space-y-3 text-start">
      <p>
        {what} No host is enrolled yet: start with this machine, try simulated ones, or{' '}
        <Link to="/enrol" className="underline underline-offset-4">
          enrol others
        </Link>
        .
      </p>
      <Command text="sudo assay up" />
      <Command text="assay demo fleet --hosts 40" />
    </div>
  );
}

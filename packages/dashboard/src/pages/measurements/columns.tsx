import type { FleetMeasurement } from '@assay/wire';
import { Link } from '@tanstack/react-router';
import { Badge } from '../../parts/badge.tsx';
import { ShortDigest } from '../../parts/digest.tsx';
import { FilenameHint } from '../../parts/filename-hint.tsx';
import { firstOf } from '../../parts/long-text.tsx';
import type { Column } from '../../parts/table/column.ts';
import type { RowLinkProps } from '../../parts/table/data-table.tsx';
import { Age } from '../../parts/time-text.tsx';
import { countWords, numberWords } from '../../text/numbers.ts';

export const PATH = {
  id: 'path',
  title: 'Path, a hint',
  track: 'minmax(10rem,2.4fr)',
  link: ({ digest, path }: FleetMeasurement, props: RowLinkProps) => (
    <Link to="/digests/$digest" params={{ digest }} {...props}>
      <FilenameHint hint={path} />
    </Link>
  ),
};

function Where({ measured: { hosts, hostNames } }: { measured: FleetMeasurement }) {
  const names = firstOf(hostNames.join(', ')) + (hosts > hostNames.length ? ', …' : '');
  return (
    <bdi title={names} className="block truncate text-muted">
      {names}
    </bdi>
  );
}

export const MEASURED_COLUMNS: readonly Column<FleetMeasurement>[] = [
  {
    id: 'hosts',
    title: 'Hosts',
    track: '4rem',
    cell: ({ hosts }) => <span className="digits font-semibold">{numberWords(hosts)}</span>,
    end: true,
  },
  {
    id: 'findings',
    title: 'Findings',
    track: '7.5rem',
    cell: ({ findings }) =>
      findings === 0 ? (
        <span className="text-muted">none open</span>
      ) : (
        <Badge tone="bad" icon="flag">
          {countWords(findings, 'host', 'hosts')}
        </Badge>
      ),
    from: 34,
  },
  {
    id: 'where',
    title: 'On',
    track: 'minmax(7rem,1.2fr)',
    cell: (measured) => <Where measured={measured} />,
    from: 58,
  },
  {
    id: 'digest',
    title: 'Digest',
    track: '12.5rem',
    cell: ({ digest }) => <ShortDigest digest={digest} />,
    from: 68,
  },
  {
    id: 'first',
    title: 'First seen',
    track: '6.5rem',
    cell: ({ firstSeen }) => <Age at={firstSeen} />,
    from: 46,
  },
];

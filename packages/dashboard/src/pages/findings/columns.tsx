import { Link } from '@tanstack/react-router';
import { Badge } from '../../parts/badge.tsx';
import { byText, type Column } from '../../parts/table/column.ts';
import { HOSTS_COLUMN } from '../../parts/table/hosts-column.tsx';
import type { RowLinkProps } from '../../parts/table/data-table.tsx';
import { Age } from '../../parts/time-text.tsx';
import { firstOf } from '../../parts/long-text.tsx';
import { SEVERITY_TONES } from '../../text/tone.ts';
import type { Cause } from './causes.ts';

export const SEVERITY_WORDS = {
  failed: { title: 'Failed', icon: 'cross' },
  warning: { title: 'Warning', icon: 'alert' },
} as const;

export const CAUSE = {
  id: 'cause',
  title: 'Cause',
  track: 'minmax(10rem,3fr)',
  stackedBelow: 40,
  compare: (a: Cause, b: Cause) => byText(a.newest.sentence, b.newest.sentence),
  link: ({ newest }: Cause, props: RowLinkProps) => (
    <Link to="/findings/$id" params={{ id: newest.id }} {...props}>
      <bdi title={firstOf(newest.sentence)} className="table-sentence">
        {firstOf(newest.sentence)}
      </bdi>
    </Link>
  ),
};

function Notice({ cause }: { cause: Cause }) {
  if (!cause.newest.open) return <span className="text-muted">{cause.newest.resolution?.by ?? 'by itself'}</span>;
  if (cause.acknowledged === 0) return <span>nobody yet</span>;
  const { by } = cause.findings.find(({ acknowledgement }) => acknowledgement !== null)?.acknowledgement ?? {};
  return (
    <span className="block truncate text-muted">
      <bdi>{by}</bdi>
      {cause.acknowledged < cause.findings.length && `, ${cause.acknowledged} of ${cause.findings.length}`}
    </span>
  );
}

export const CAUSE_COLUMNS: readonly Column<Cause>[] = [
  {
    id: 'severity',
    title: 'Severity',
    track: '7rem',
    cell: ({ newest: { severity } }) => (
      <Badge tone={SEVERITY_TONES[severity]} icon={SEVERITY_WORDS[severity].icon}>
        {SEVERITY_WORDS[severity].title}
      </Badge>
    ),
    compare: (a, b) => byText(a.newest.severity, b.newest.severity),
  },
  HOSTS_COLUMN,
  {
    id: 'code',
    title: 'Code',
    track: 'minmax(9rem,1fr)',
    cell: ({ newest: { code } }) => <code className="block truncate font-mono text-xs text-muted">{code}</code>,
    compare: (a, b) => byText(a.newest.code, b.newest.code),
    from: 52,
  },
  {
    id: 'known',
    title: 'Known by',
    track: 'minmax(6rem,0.8fr)',
    cell: (cause) => <Notice cause={cause} />,
    compare: (a, b) => a.acknowledged - b.acknowledged,
    from: 62,
  },
  {
    id: 'first',
    title: 'First seen',
    track: '6.5rem',
    cell: ({ firstSeen }) => <Age at={firstSeen} />,
    compare: (a, b) => byText(a.firstSeen, b.firstSeen),
    from: 44,
  },
  {
    id: 'last',
    title: 'Last seen',
    track: '6.5rem',
    cell: ({ newest }) => <Age at={newest.lastSeen} />,
    compare: (a, b) => byText(a.newest.lastSeen, b.newest.lastSeen),
    from: 74,
  },
];

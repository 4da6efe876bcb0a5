import type { DigestDocument, FindingList } from '@assay/wire';
import { ROUTES } from '@assay/wire/routes';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useMemo, useState } from 'react';
import { requestDocument } from '../../api/documents.ts';
import { Empty } from '../../parts/empty.tsx';
import { FullValue } from '../../parts/digest.tsx';
import { FilenameHint } from '../../parts/filename-hint.tsx';
import { leadOf } from '../../parts/loaded.tsx';
import { firstOf } from '../../parts/long-text.tsx';
import { Page } from '../../parts/page.tsx';
import { QueryProblem } from '../../parts/problem-text.tsx';
import { SkeletonRows } from '../../parts/skeleton.tsx';
import { byText, type Column } from '../../parts/table/column.ts';
import { DataTable, type RowLinkProps } from '../../parts/table/data-table.tsx';
import { WithoutHosts } from '../../parts/without-hosts.tsx';
import { Age, ClockTime } from '../../parts/time-text.tsx';
import { countWords } from '../../text/numbers.ts';
import { assayCommand } from '../../text/shell.ts';
import { DenyDialog } from './deny-dialog.tsx';
import { digestQuery } from './queries.ts';

const page = getRouteApi('/digests/$digest');

type Sighting = DigestDocument['sightings'][number];

const HOST = {
  id: 'host',
  title: 'Host',
  track: 'minmax(7rem,1fr)',
  compare: (a: Sighting, b: Sighting) => byText(a.host.name, b.host.name),
  link: ({ host }: Sighting, props: RowLinkProps) => (
    <Link to="/hosts/$host" params={{ host: host.name }} {...props}>
      <bdi className="block truncate">{host.name}</bdi>
    </Link>
  ),
};

const COLUMNS: readonly Column<Sighting>[] = [
  {
    id: 'path',
    title: 'Path, a hint',
    track: 'minmax(9rem,2fr)',
    cell: ({ path }) => <FilenameHint hint={path} />,
    compare: (a, b) => byText(a.path, b.path),
  },
  {
    id: 'first',
    title: 'First seen',
    track: '6.5rem',
    cell: ({ firstSeen }) => <Age at={firstSeen} />,
    compare: (a, b) => byText(a.firstSeen, b.firstSeen),
    from: 30,
  },
  {
    id: 'until',
    title: 'Attested until',
    track: '8rem',
    cell: ({ attestedUntil }) => <Age at={attestedUntil} />,
    compare: (a, b) => byText(a.attestedUntil, b.attestedUntil),
    from: 44,
  },
  {
    id: 'boot',
    title: 'Boot',
    track: 'minmax(8rem,1fr)',
    cell: ({ boot }) => (
      <span className="block truncate text-muted">
        reset {boot.resetCount}, <Age at={boot.since} />
      </span>
    ),
    compare: (a, b) => a.boot.id - b.boot.id,
    from: 60,
  },
];

/** Nobody ran it, which is an answer: it says how much was looked at. */
function Never({ looked }: { looked: DigestDocument['looked'] }) {
  const entries = countWords(looked.entries, 'entry', 'entries');
  return (
    <Empty icon="check" title="Never measured">
      <p>
        In {entries} of {countWords(looked.hosts, 'host', 'hosts')}
        {looked.since !== null && (
          <>
            , since <ClockTime at={looked.since} />
          </>
        )}
        . What ran before a host enrolled, or where nothing measures, is not among them.
      </p>
      <WithoutHosts what="So this says nothing yet." />
    </Empty>
  );
}

function OpenFindings({ digest }: { digest: string }) {
  const { data } = useQuery({
    queryKey: ['findings', 'digest', digest],
    refetchOnMount: 'always',
    queryFn: ({ signal }) => {
      const query = new URLSearchParams({ digest, open: 'true', limit: '1' });
      return requestDocument<FindingList>(`${ROUTES.findings}?${query}`, 'assay.findings.v1', { signal });
    },
  });
  const [finding] = data?.findings ?? [];
  if (finding === undefined) return null;
  return (
    <p data-tone="bad" className="mb-4 rounded-xl border border-tone-line bg-tone-soft px-4 py-3 text-sm text-tone">
      <strong>{countWords(finding.blastRadius.hosts, 'host has', 'hosts have')} an open finding about it.</strong>{' '}
      <Link to="/findings/$id" params={{ id: finding.id }} className="underline underline-offset-4">
        {finding.id}
      </Link>
      : <bdi className="wrap-anywhere">{firstOf(finding.sentence)}</bdi>
    </p>
  );
}

export function DigestPage() {
  const { digest } = page.useParams();
  const query = useInfiniteQuery(digestQuery(digest));
  const [sort, setSort] = useState('');
  const [denying, setDenying] = useState(false);
  const rows = useMemo(() => query.data?.pages.flatMap(({ sightings }) => sightings) ?? [], [query.data]);
  const [first] = query.data?.pages ?? [];
  const lead = leadOf({ data: first, error: query.error }, ({ hosts }) =>
    hosts === 0 ? 'No host ever ran it' : `Measured on ${countWords(hosts, 'host', 'hosts')}`,
  );
  return (
    <Page
      title="Who ever ran this digest"
      lead={lead}
      command={assayCommand(['digest', 'who', digest])}
      actions={
        <button type="button" className="button" onClick={() => setDenying(true)}>
          Deny
        </button>
      }
    >
      <div className="card mb-4 px-4 py-3">
        <FullValue value={digest} what="digest" />
      </div>
      <OpenFindings digest={digest} />
      <QueryProblem query={query} />
      {first === undefined && query.error === null && <SkeletonRows rows={5} />}
      {first !== undefined && rows.length === 0 && <Never looked={first.looked} />}
      {rows.length > 0 && (
        <DataTable
          label="Where it was measured"
          rows={rows}
          rowKey={({ host, boot, path }) => `${host.id} ${boot.id} ${path}`}
          first={HOST}
          columns={COLUMNS}
          sort={sort}
          onSort={setSort}
        />
      )}
      {query.hasNextPage && (
        <button
          type="button"
          className="mt-4 button"
          disabled={query.isFetching}
          onClick={() => void query.fetchNextPage()}
        >
          Show older boots
        </button>
      )}
      {denying && <DenyDialog digests={[digest]} onClose={() => setDenying(false)} />}
    </Page>
  );
}

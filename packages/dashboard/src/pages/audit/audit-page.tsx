import type { AuditEntry, AuditPage as AuditPageDocument } from '@assay/wire';
import { ROUTES } from '@assay/wire/routes';
import { queryOptions, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useEffect, useMemo, useRef } from 'react';
import { requestDocument } from '../../api/documents.ts';
import { readPages } from '../../api/queries.ts';
import { Command } from '../../parts/command.tsx';
import { FullValue } from '../../parts/digest.tsx';
import { Empty } from '../../parts/empty.tsx';
import { FactList } from '../../parts/fact-list.tsx';
import { Icon } from '../../parts/icon.tsx';
import { leadOf, Loaded } from '../../parts/loaded.tsx';
import { firstOf, LongText } from '../../parts/long-text.tsx';
import { Page } from '../../parts/page.tsx';
import { SearchField } from '../../parts/search-field.tsx';
import type { Column } from '../../parts/table/column.ts';
import { DataTable, type RowLinkProps } from '../../parts/table/data-table.tsx';
import { Age, ClockTime } from '../../parts/time-text.tsx';
import { countWords } from '../../text/numbers.ts';
import { assayCommand } from '../../text/shell.ts';
import { type ChainState, checkChain } from './chain.ts';

const page = getRouteApi('/audit');

interface Log {
  /** The oldest first. */
  readonly entries: readonly AuditEntry[];
  readonly chain: ChainState;
}

/** All of it, since a chain is checked from its start. */
const auditQuery = queryOptions({
  queryKey: ['audit'],
  refetchOnMount: 'always',
  structuralSharing: false,
  queryFn: async ({ signal }): Promise<Log> => {
    const entries = await readPages(async (cursor) => {
      const address = `${ROUTES.audit}?${new URLSearchParams({ limit: '1000', ...cursor })}`;
      const read = await requestDocument<AuditPageDocument>(address, 'assay.audit.v1', { signal });
      return { rows: read.entries, next: read.next };
    });
    return { entries, chain: await checkChain(entries) };
  },
});

const ENTRY = {
  id: 'action',
  title: 'What',
  track: 'minmax(8rem,1fr)',
  link: ({ seq, action }: AuditEntry, props: RowLinkProps) => (
    <Link to="/audit" search={(before) => ({ ...before, entry: seq })} replace {...props}>
      <code className="block truncate font-mono text-[0.82rem]">{action}</code>
    </Link>
  ),
};

const COLUMNS: readonly Column<AuditEntry>[] = [
  {
    id: 'subject',
    title: 'To what',
    track: 'minmax(7rem,1.4fr)',
    cell: ({ subject }) => <bdi className="block truncate">{firstOf(subject)}</bdi>,
  },
  {
    id: 'actor',
    title: 'By',
    track: 'minmax(6rem,1fr)',
    from: 25,
    cell: ({ actor }) => <bdi className="block truncate">{actor}</bdi>,
  },
  { id: 'at', title: 'When', track: '6.5rem', cell: ({ at }) => <Age at={at} />, from: 30 },
  {
    id: 'detail',
    title: 'Detail',
    track: 'minmax(8rem,2fr)',
    cell: ({ detail }) => <bdi className="block truncate font-mono text-xs text-muted">{firstOf(detail)}</bdi>,
    from: 62,
  },
  {
    id: 'seq',
    title: 'No.',
    track: '4rem',
    cell: ({ seq }) => <span className="digits text-muted">{seq}</span>,
    from: 44,
    end: true,
  },
];

function Chain({ chain }: { chain: ChainState }) {
  if (chain.state === 'empty') return null;
  if (chain.state === 'unchecked') {
    return (
      <p data-tone="caution" className="mb-4 rounded-xl border border-tone-line bg-tone-soft px-4 py-3 text-sm">
        <strong className="text-tone">
          <Icon name="question" className="me-1 inline size-4 align-text-bottom" />
          Not checked.
        </strong>{' '}
        A browser checks the chain only on a page that came by HTTPS, or from this machine. Use assay audit verify.
      </p>
    );
  }
  if (chain.state === 'broken') {
    return (
      <p
        role="alert"
        data-tone="bad"
        className="mb-4 rounded-xl border border-tone-line bg-tone-soft px-4 py-3 text-sm text-tone"
      >
        <strong>
          <Icon name="cross" className="me-1 inline size-4 align-text-bottom" />
          Broken at entry {chain.at}:
        </strong>{' '}
        {chain.why}. Keep the store as it is, and compare with a backup and with an end that was remembered.
      </p>
    );
  }
  return (
    <div data-tone="good" className="mb-4 space-y-1 rounded-xl border border-tone-line bg-tone-soft px-4 py-3 text-sm">
      <p>
        <strong className="text-tone">
          <Icon name="check" className="me-1 inline size-4 align-text-bottom" />
          Unbroken.
        </strong>{' '}
        This page followed the chain of hashes through {countWords(chain.entries, 'entry', 'entries')}. Its end, to be
        remembered elsewhere:
      </p>
      <FullValue value={chain.hash} what="end of the chain" />
    </div>
  );
}

const said = ({ actor, action, subject, detail }: AuditEntry): string =>
  `${actor} ${action} ${subject} ${detail}`.toLowerCase();

/** The detail is JSON that the verifier wrote; what cannot be read as such is shown as it is. */
function readable(detail: string): string {
  try {
    return JSON.stringify(JSON.parse(detail), null, 2);
  } catch {
    return detail;
  }
}

function Shown({ entry }: { entry: AuditEntry }) {
  const section = useRef<HTMLElement>(null);
  useEffect(() => section.current?.scrollIntoView({ block: 'nearest' }), []);
  return (
    <section ref={section} aria-label={`Entry ${entry.seq}`} className="card mt-4 space-y-3 px-5 py-4">
      <FactList
        facts={[
          ['Entry', entry.seq],
          [
            'When',
            <>
              <ClockTime at={entry.at} /> (<Age at={entry.at} />)
            </>,
          ],
          ['By', <bdi key="actor">{entry.actor}</bdi>],
          [
            'What',
            <code key="action" className="font-mono">
              {entry.action}
            </code>,
          ],
          ['To what', <bdi key="subject">{entry.subject}</bdi>],
          ['Hash', <FullValue key="hash" value={entry.hash} what="hash" />],
        ]}
      />
      <pre className="overflow-auto rounded-lg bg-sunken p-3 text-xs whitespace-pre-wrap wrap-anywhere">
        <LongText text={readable(entry.detail)} />
      </pre>
    </section>
  );
}

const notSortable = (): void => undefined;

function Entries({ log }: { log: Log }) {
  const { q = '', entry } = page.useSearch();
  const navigate = page.useNavigate();
  const newestFirst = useMemo(() => log.entries.toReversed(), [log]);
  const shown = useMemo(() => {
    const text = q.trim().toLowerCase();
    return text === '' ? newestFirst : newestFirst.filter((each) => said(each).includes(text));
  }, [newestFirst, q]);
  const chosen = log.entries.find(({ seq }) => seq === entry);
  if (log.entries.length === 0) {
    return (
      <Empty icon="scroll" title="Nobody did anything yet">
        <p>
          Who makes a token, lets a host in, acknowledges a finding or changes what is good stands here, each entry
          chained to the ones before it. Tokens of their own tell people apart:
        </p>
        <div className="text-start">
          <Command text="assay verifier token create --name me@example.org --role operator" />
        </div>
      </Empty>
    );
  }
  return (
    <>
      <div className="mb-4 flex">
        <SearchField
          label="Who, what, to what"
          value={q}
          onChange={(next) => void navigate({ search: (before) => ({ ...before, q: next }), replace: true })}
        />
      </div>
      {shown.length === 0 ? (
        <Empty icon="search" title="No entry says that" />
      ) : (
        <DataTable
          label="Audit log"
          rows={shown}
          rowKey={({ seq }) => String(seq)}
          first={ENTRY}
          columns={COLUMNS}
          sort=""
          onSort={notSortable}
        />
      )}
      {chosen !== undefined && <Shown key={chosen.seq} entry={chosen} />}
    </>
  );
}

/** Who did what, and that nothing of it was changed or removed. */
export function AuditPage() {
  const { q = '' } = page.useSearch();
  const query = useQuery(auditQuery);
  return (
    <Page
      title="Audit"
      lead={leadOf(query, ({ entries }) => countWords(entries.length, 'entry', 'entries'))}
      command={q === '' ? 'assay audit verify' : assayCommand(['audit', 'show'], { text: q })}
    >
      <Loaded query={query}>
        {(log) => (
          <>
            <Chain chain={log.chain} />
            <Entries log={log} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

import type { Finding } from '@assay/wire';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useMemo } from 'react';
import { Empty } from '../../parts/empty.tsx';
import { Facets } from '../../parts/facets.tsx';
import { leadOf, Loaded } from '../../parts/loaded.tsx';
import { Page } from '../../parts/page.tsx';
import { SearchField } from '../../parts/search-field.tsx';
import { WithoutHosts } from '../../parts/without-hosts.tsx';
import { DataTable } from '../../parts/table/data-table.tsx';
import { countWords } from '../../text/numbers.ts';
import { assayCommand } from '../../text/shell.ts';
import { SEVERITY_TONES } from '../../text/tone.ts';
import { type Cause, causesOf } from './causes.ts';
import { CAUSE, CAUSE_COLUMNS, SEVERITY_WORDS } from './columns.tsx';
import { allFindingsQuery } from './queries.ts';
import { FINDING_STATES, type FindingsSearch, SEVERITIES } from './search.ts';

const findings = getRouteApi('/findings');

function useSearchChange(): (change: Partial<FindingsSearch>) => void {
  const navigate = findings.useNavigate();
  return (change) => void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
}

const isKnown = ({ acknowledged, findings: all }: Cause): boolean => acknowledged === all.length;

function hasText({ newest, findings: all }: Cause, text: string): boolean {
  const { code, sentence, evidence } = newest;
  const said = [code, sentence, evidence.digest ?? '', evidence.filenameHint ?? ''];
  return [...said, ...all.map(({ host }) => host.name)].some((words) => words.toLowerCase().includes(text));
}

/** The causes that the address asks for; `except` leaves one filter out, to count what it would let through. */
function matching(causes: readonly Cause[], search: FindingsSearch, except?: 'severity' | 'notice'): readonly Cause[] {
  const text = search.q?.trim().toLowerCase() ?? '';
  return causes.filter(
    (cause) =>
      (except === 'severity' || (search.severity?.includes(cause.newest.severity) ?? true)) &&
      (except === 'notice' || (search.notice?.includes(isKnown(cause) ? 'known' : 'new') ?? true)) &&
      (search.code === undefined || cause.newest.code === search.code) &&
      (search.host === undefined || cause.findings.some(({ host }) => host.name === search.host)) &&
      (text === '' || hasText(cause, text)),
  );
}

function StateChoice({ search }: { search: FindingsSearch }) {
  const change = useSearchChange();
  const chosen = search.state ?? 'open';
  return (
    <div role="group" aria-label="Open or closed" className="flex overflow-hidden rounded-lg border border-line-strong">
      {FINDING_STATES.map((state) => (
        <button
          key={state}
          type="button"
          aria-pressed={state === chosen}
          onClick={() => change({ state: state === 'open' ? undefined : state })}
          className={`px-3 py-1 text-sm font-medium capitalize ${state === chosen ? 'bg-ink text-paper' : 'bg-surface hover:bg-sunken'}`}
        >
          {state}
        </button>
      ))}
    </div>
  );
}

function Filters({ causes, search }: { causes: readonly Cause[]; search: FindingsSearch }) {
  const change = useSearchChange();
  const bySeverity = Map.groupBy(matching(causes, search, 'severity'), ({ newest }) => newest.severity);
  const byNotice = Map.groupBy(matching(causes, search, 'notice'), (cause) => (isKnown(cause) ? 'known' : 'new'));
  const severities = SEVERITIES.map((id) => ({
    id,
    count: bySeverity.get(id)?.length ?? 0,
    tone: SEVERITY_TONES[id],
    ...SEVERITY_WORDS[id],
  }));
  const notices = [
    { id: 'new', title: 'Not acknowledged', count: byNotice.get('new')?.length ?? 0, tone: 'open', icon: 'bell' },
    { id: 'known', title: 'Acknowledged', count: byNotice.get('known')?.length ?? 0, tone: 'quiet', icon: 'check' },
  ] as const;
  return (
    <div className="mb-4 flex flex-wrap items-center gap-3">
      <StateChoice search={search} />
      <SearchField label="Path, digest, host or code" value={search.q ?? ''} onChange={(q) => change({ q })} />
      <Facets
        label="Filter by severity"
        facets={severities}
        chosen={search.severity ?? []}
        onChoose={(severity) => change({ severity })}
      />
      {search.state !== 'closed' && (
        <Facets
          label="Filter by who knows"
          facets={notices}
          chosen={search.notice ?? []}
          onChoose={(notice) => change({ notice })}
        />
      )}
    </div>
  );
}

function NothingFound({ all, search }: { all: number; search: FindingsSearch }) {
  const navigate = findings.useNavigate();
  if (all > 0) {
    return (
      <Empty icon="search" title={`None of ${countWords(all, 'cause', 'causes')} is like that`}>
        <button type="button" className="button" onClick={() => void navigate({ search: { state: search.state } })}>
          Show all of them
        </button>
      </Empty>
    );
  }
  if (search.state === 'closed') {
    return (
      <Empty icon="flag" title="Nothing was ever closed">
        <p>Findings close when the evidence shows them no more, or when somebody resolves them.</p>
      </Empty>
    );
  }
  return (
    <Empty icon="check" title="Nothing is open">
      <p>What hosts measure and no policy allows, and evidence that does not verify, is listed here.</p>
      <WithoutHosts what="Without a host nothing can be found." />
    </Empty>
  );
}

function CauseTable({ found, search }: { found: readonly Finding[]; search: FindingsSearch }) {
  const change = useSearchChange();
  const causes = useMemo(() => causesOf(found), [found]);
  const shown = useMemo(() => matching(causes, search), [causes, search]);
  return (
    <>
      <Filters causes={causes} search={search} />
      {shown.length === 0 ? (
        <NothingFound all={causes.length} search={search} />
      ) : (
        <DataTable
          label="Findings by cause"
          rows={shown}
          rowKey={({ id }) => id}
          first={CAUSE}
          columns={CAUSE_COLUMNS}
          sort={search.sort ?? 'severity'}
          onSort={(sort) => change({ sort })}
        />
      )}
    </>
  );
}

function lead(found: readonly Finding[], search: FindingsSearch): string {
  const causes = matching(causesOf(found), search);
  const count = causes.reduce((sum, cause) => sum + cause.findings.length, 0);
  const of = search.host === undefined ? '' : ` with ${search.host} among the hosts`;
  return `${countWords(causes.length, 'cause', 'causes')}, ${countWords(count, 'finding', 'findings')}${of}`;
}

/** The command counts findings one by one, and takes one severity and one kind of notice. */
function commandFor({ q, state, severity, notice, code, host }: FindingsSearch): string {
  const [grave, ...others] = severity ?? [];
  const [known, ...both] = notice ?? [];
  return assayCommand(['findings', 'list'], {
    closed: state === 'closed',
    severity: others.length === 0 ? grave : undefined,
    known: both.length === 0 && known === 'known',
    new: both.length === 0 && known === 'new',
    code,
    host,
    text: q,
  });
}

export function FindingsPage() {
  const search = findings.useSearch();
  const query = useQuery(allFindingsQuery(search.state ?? 'open'));
  return (
    <Page title="Findings" lead={leadOf(query, (found) => lead(found, search))} command={commandFor(search)}>
      <Loaded query={query}>{(found) => <CauseTable found={found} search={search} />}</Loaded>
    </Page>
  );
}

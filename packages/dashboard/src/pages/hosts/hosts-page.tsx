import type { HostLine } from '@assay/wire';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useMemo } from 'react';
import { type Fleet, hostLinesQuery } from '../../api/queries.ts';
import { Empty } from '../../parts/empty.tsx';
import { Facets } from '../../parts/facets.tsx';
import { VERDICT_ICONS } from '../../parts/icons.ts';
import { leadOf, Loaded } from '../../parts/loaded.tsx';
import { Page } from '../../parts/page.tsx';
import { SearchField } from '../../parts/search-field.tsx';
import { OtherFilters } from './other-filters.tsx';
import { DataTable, type RowLinkProps } from '../../parts/table/data-table.tsx';
import { byText } from '../../parts/table/column.ts';
import { useNow } from '../../state/now.ts';
import { countWords, numberWords } from '../../text/numbers.ts';
import { assayCommand } from '../../text/shell.ts';
import { VERDICT_TONES } from '../../text/tone.ts';
import { VERDICT_WORDS, VERDICTS_BY_URGENCY } from '../../text/verdict.ts';
import { EmptyFleet } from '../fleet/empty-fleet.tsx';
import { hostColumns } from './columns.tsx';
import { matching } from './filter.ts';
import { LabelSelect } from './label-select.tsx';
import type { HostsSearch } from './search.ts';

const hosts = getRouteApi('/hosts');

const NAME = {
  id: 'name',
  title: 'Host',
  track: 'minmax(8rem,1.4fr)',
  compare: (a: HostLine, b: HostLine) => byText(a.name, b.name),
  link: (line: HostLine, props: RowLinkProps) => (
    <Link to="/hosts/$host" params={{ host: line.name }} {...props}>
      <bdi className="block truncate">{line.name}</bdi>
    </Link>
  ),
};

function useSearchChange(): (change: Partial<HostsSearch>) => void {
  const navigate = hosts.useNavigate();
  return (change) => void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
}

interface Shown {
  readonly search: HostsSearch;
  /** Moves on only where ages are asked for. */
  readonly now: number;
}

function Filters({ all, search, now }: Shown & { all: readonly HostLine[] }) {
  const change = useSearchChange();
  const counts = useMemo(
    () => Map.groupBy(matching(all, search, now, 'verdict'), ({ verdict }) => verdict),
    [all, search, now],
  );
  const labelled = useMemo(() => matching(all, search, now, 'label'), [all, search, now]);
  const facets = VERDICTS_BY_URGENCY.map((verdict) => ({
    id: verdict,
    title: VERDICT_WORDS[verdict],
    count: counts.get(verdict)?.length ?? 0,
    tone: VERDICT_TONES[verdict],
    icon: VERDICT_ICONS[verdict],
  }));
  return (
    <div className="mb-4 flex flex-wrap items-center gap-3">
      <SearchField label="Name, id, label or kernel" value={search.q ?? ''} onChange={(q) => change({ q })} />
      <Facets
        label="Filter by verdict"
        facets={facets}
        chosen={search.verdict ?? []}
        onChoose={(verdict) => change({ verdict })}
      />
      <LabelSelect hosts={labelled} chosen={search.label} onChoose={(label) => change({ label })} />
      <OtherFilters search={search} onChange={change} />
    </div>
  );
}

function HostTable({ fleet, search, now }: Shown & { fleet: Fleet }) {
  const change = useSearchChange();
  const navigate = hosts.useNavigate();
  const shown = useMemo(() => matching(fleet.hosts, search, now), [fleet.hosts, search, now]);
  const columns = useMemo(() => hostColumns(fleet.staleAfterSeconds), [fleet.staleAfterSeconds]);
  if (shown.length === 0) {
    return (
      <Empty icon="search" title={`None of ${countWords(fleet.hosts.length, 'host', 'hosts')} is like that`}>
        <button type="button" className="button" onClick={() => void navigate({ search: {} })}>
          Show all of them
        </button>
      </Empty>
    );
  }
  return (
    <DataTable
      label="Hosts"
      rows={shown}
      rowKey={({ id }) => id}
      first={NAME}
      columns={columns}
      sort={search.sort ?? 'name'}
      onSort={(sort) => change({ sort })}
    />
  );
}

function lead(fleet: Fleet, { search, now }: Shown): string {
  const shown = matching(fleet.hosts, search, now).length;
  const all = countWords(fleet.hosts.length, 'host', 'hosts');
  return shown === fleet.hosts.length ? all : `${numberWords(shown)} of ${all}`;
}

const commandFor = ({ q, minAge, maxAge, sort: _, ...filters }: HostsSearch): string =>
  assayCommand(['hosts', 'get'], { ...filters, text: q, 'min-age': minAge, 'max-age': maxAge });

export function HostsPage() {
  const search = hosts.useSearch();
  const clock = useNow();
  const now = search.minAge === undefined && search.maxAge === undefined ? 0 : clock;
  const query = useQuery(hostLinesQuery);
  if (query.data?.hosts.length === 0) return <EmptyFleet />;
  return (
    <Page title="Hosts" lead={leadOf(query, (fleet) => lead(fleet, { search, now }))} command={commandFor(search)}>
      <Loaded query={query}>
        {(fleet) => (
          <>
            <Filters all={fleet.hosts} search={search} now={now} />
            <HostTable fleet={fleet} search={search} now={now} />
          </>
        )}
      </Loaded>
    </Page>
  );
}

import type { FleetMeasurementList } from '@assay/wire';
import { useInfiniteQuery } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useDeferredValue, useMemo } from 'react';
import { Empty } from '../../parts/empty.tsx';
import { QueryProblem } from '../../parts/problem-text.tsx';
import { leadOf } from '../../parts/loaded.tsx';
import { Page } from '../../parts/page.tsx';
import { SearchField } from '../../parts/search-field.tsx';
import { SkeletonRows } from '../../parts/skeleton.tsx';
import { DataTable } from '../../parts/table/data-table.tsx';
import { WithoutHosts } from '../../parts/without-hosts.tsx';
import { countWords } from '../../text/numbers.ts';
import { assayCommand } from '../../text/shell.ts';
import { MEASURED_COLUMNS, PATH } from './columns.tsx';
import { fleetMeasurementsQuery } from './queries.ts';
import type { MeasurementsSearch } from './search.ts';

const measurements = getRouteApi('/measurements');

function useSearchChange(): (change: Partial<MeasurementsSearch>) => void {
  const navigate = measurements.useNavigate();
  return (change) => void navigate({ search: (before) => ({ ...before, ...change }), replace: true });
}

function Choice({ on, onChoose, children }: { on: boolean; onChoose: () => void; children: string }) {
  return (
    <button
      type="button"
      aria-pressed={on}
      onClick={onChoose}
      className={`rounded-full border px-3 py-1 text-xs font-medium ${on ? 'border-ink bg-ink text-paper' : 'border-line bg-surface text-muted hover:border-line-strong'}`}
    >
      {children}
    </button>
  );
}

function Filters({ search }: { search: MeasurementsSearch }) {
  const change = useSearchChange();
  return (
    <div className="mb-4 flex flex-wrap items-center gap-3">
      <SearchField label="Part of a path or digest" value={search.q ?? ''} onChange={(q) => change({ q })} />
      <div role="group" aria-label="Order and prevalence" className="flex flex-wrap gap-1.5">
        <Choice on={search.order !== 'common'} onChoose={() => change({ order: undefined })}>
          Rare first
        </Choice>
        <Choice on={search.order === 'common'} onChoose={() => change({ order: 'common' })}>
          Common first
        </Choice>
        <Choice on={search.most === 1} onChoose={() => change({ most: search.most === 1 ? undefined : 1 })}>
          On one host alone
        </Choice>
      </div>
    </div>
  );
}

function lead({ counted: { hosts, entries } }: FleetMeasurementList): string {
  return `${countWords(entries, 'different entry', 'different entries')} in the present boots of ${countWords(hosts, 'host', 'hosts')}`;
}

function Nothing({
  counted,
  search,
}: {
  counted: FleetMeasurementList['counted'] | undefined;
  search: MeasurementsSearch;
}) {
  const navigate = measurements.useNavigate();
  if (counted === undefined || counted.entries === 0) {
    return (
      <Empty icon="list" title="Nothing is measured yet">
        <p>Each file that runs on a host with an agent is listed here with the number of hosts that ran it.</p>
        <WithoutHosts what="Nothing runs under watch." />
      </Empty>
    );
  }
  return (
    <Empty
      icon="search"
      title={search.q === undefined ? 'Nothing is like that' : `Nothing has “${search.q}” in its path or digest`}
    >
      <button type="button" className="button" onClick={() => void navigate({ search: {} })}>
        Show all
      </button>
    </Empty>
  );
}

const notSortable = (): void => undefined;

/** What runs in the fleet; what only few hosts ran is worth a look first. */
export function MeasurementsPage() {
  const search = measurements.useSearch();
  const q = useDeferredValue(search.q);
  const query = useInfiniteQuery(fleetMeasurementsQuery({ ...search, q }));
  const rows = useMemo(() => query.data?.pages.flatMap((page) => page.measurements) ?? [], [query.data]);
  const [first] = query.data?.pages ?? [];
  const isSettled = first !== undefined && !query.isFetching;
  return (
    <Page
      title="Measurements"
      lead={leadOf({ data: first, error: query.error }, lead)}
      command={assayCommand(['digest', 'list'], { text: search.q, order: search.order, 'most-hosts': search.most })}
    >
      <Filters search={search} />
      <QueryProblem query={query} />
      {first === undefined && query.error === null && <SkeletonRows rows={8} />}
      {rows.length > 0 && (
        <DataTable
          label="Measurements"
          rows={rows}
          rowKey={({ digest, path, template }) => `${template} ${digest} ${path}`}
          first={PATH}
          columns={MEASURED_COLUMNS}
          sort=""
          onSort={notSortable}
        />
      )}
      {rows.length === 0 && isSettled && !query.hasNextPage && <Nothing counted={first.counted} search={search} />}
      {query.hasNextPage && (
        <button
          type="button"
          className="mt-4 button"
          disabled={query.isFetching}
          onClick={() => void query.fetchNextPage()}
        >
          {query.isFetching ? 'Asking the verifier' : rows.length === 0 ? 'Nothing so far: look further' : 'Show more'}
        </button>
      )}
    </Page>
  );
}

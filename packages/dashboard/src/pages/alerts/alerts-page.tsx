import type { Alert, AlertList, Delivery, DeliveryList } from '@assay/wire';
import { ROUTES } from '@assay/wire/routes';
import { queryOptions, useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { requestDocument } from '../../api/documents.ts';
import { readPages } from '../../api/queries.ts';
import { Badge } from '../../parts/badge.tsx';
import { Empty } from '../../parts/empty.tsx';
import { leadOf, Loaded } from '../../parts/loaded.tsx';
import { firstOf } from '../../parts/long-text.tsx';
import { Page } from '../../parts/page.tsx';
import { Section } from '../../parts/section.tsx';
import { byText, type Column } from '../../parts/table/column.ts';
import { HOSTS_COLUMN } from '../../parts/table/hosts-column.tsx';
import { DataTable, type RowLinkProps } from '../../parts/table/data-table.tsx';
import { WithoutHosts } from '../../parts/without-hosts.tsx';
import { Age } from '../../parts/time-text.tsx';
import { countWords } from '../../text/numbers.ts';
import { SEVERITY_TONES } from '../../text/tone.ts';
import { SEVERITY_WORDS } from '../findings/columns.tsx';

import { Sinks } from './sinks.tsx';

const page = getRouteApi('/alerts');

const KEPT = 2000;
const DELIVERIES = '50';

const alertsQuery = (state: 'open' | 'all') =>
  queryOptions({
    queryKey: ['alerts', state],
    refetchOnMount: 'always',
    queryFn: ({ signal }): Promise<Alert[]> =>
      readPages(async (cursor) => {
        const query = { limit: '1000', ...(state === 'open' ? { open: 'true' } : {}), ...cursor };
        const address = `${ROUTES.alerts}?${new URLSearchParams(query)}`;
        const list = await requestDocument<AlertList>(address, 'assay.alerts.v1', { signal });
        return { rows: list.alerts, next: list.next };
      }, KEPT),
  });

const deliveriesQuery = queryOptions({
  queryKey: ['alerts', 'deliveries'],
  refetchOnMount: 'always',
  queryFn: async ({ signal }): Promise<Delivery[]> => {
    const address = `${ROUTES.deliveries}?${new URLSearchParams({ limit: DELIVERIES })}`;
    return (await requestDocument<DeliveryList>(address, 'assay.deliveries.v1', { signal })).deliveries;
  },
});

const ALERT = {
  id: 'sentence',
  title: 'Alert',
  track: 'minmax(10rem,3fr)',
  stackedBelow: 40,
  compare: (a: Alert, b: Alert) => byText(a.sentence, b.sentence),
  link: ({ code, digest, sentence, resolvedAt }: Alert, props: RowLinkProps) => {
    const words = (
      <bdi title={firstOf(sentence)} className="table-sentence">
        {firstOf(sentence)}
      </bdi>
    );
    // That a host is late follows from the time, and is no finding of its own.
    if (code === 'HOST-STALE') {
      return (
        <Link to="/hosts" search={{ verdict: ['stale'] }} {...props}>
          {words}
        </Link>
      );
    }
    const state = resolvedAt === null ? undefined : 'closed';
    return (
      <Link to="/findings" search={{ code, q: digest ?? undefined, state }} {...props}>
        {words}
      </Link>
    );
  },
};

const COLUMNS: readonly Column<Alert>[] = [
  {
    id: 'state',
    title: 'State',
    track: '7.5rem',
    cell: ({ resolvedAt, severity }) =>
      resolvedAt === null ? (
        <Badge tone={SEVERITY_TONES[severity]} icon={SEVERITY_WORDS[severity].icon}>
          {SEVERITY_WORDS[severity].title}
        </Badge>
      ) : (
        <Badge tone="quiet" icon="check">
          Resolved
        </Badge>
      ),
    compare: (a, b) => byText(a.resolvedAt ?? '', b.resolvedAt ?? '') || byText(a.severity, b.severity),
  },
  HOSTS_COLUMN,
  {
    id: 'on',
    title: 'On',
    track: 'minmax(7rem,1.2fr)',
    cell: ({ hostNames }) => (
      <bdi title={firstOf(hostNames.join(', '))} className="block truncate text-muted">
        {firstOf(hostNames.join(', '))}
      </bdi>
    ),
    from: 58,
  },
  {
    id: 'code',
    title: 'Code',
    track: 'minmax(9rem,1fr)',
    cell: ({ code }) => <code className="block truncate font-mono text-xs text-muted">{code}</code>,
    compare: (a, b) => byText(a.code, b.code),
    from: 70,
  },
  {
    id: 'opened',
    title: 'Opened',
    track: '6.5rem',
    cell: ({ openedAt }) => <Age at={openedAt} />,
    compare: (a, b) => byText(b.openedAt, a.openedAt),
    from: 40,
  },
];

const DELIVERY_STATES = {
  waiting: { tone: 'open', icon: 'hourglass', word: 'Waiting' },
  delivered: { tone: 'good', icon: 'check', word: 'Delivered' },
  'given-up': { tone: 'bad', icon: 'cross', word: 'Given up' },
} as const;

function DeliveryRow({
  delivery: { sink, state, sentence, attempts, endedAt, dueAt, failure },
}: {
  delivery: Delivery;
}) {
  const { tone, icon, word } = DELIVERY_STATES[state];
  const at = endedAt ?? dueAt;
  return (
    <li className="flex flex-wrap items-baseline gap-x-3 gap-y-1 px-4 py-2.5 text-sm">
      <Badge tone={tone} icon={icon}>
        {word}
      </Badge>
      <bdi className="font-medium">{sink}</bdi>
      <bdi className="min-w-0 flex-1 basis-64 truncate text-muted" title={firstOf(sentence)}>
        {firstOf(sentence)}
      </bdi>
      <span className="digits text-muted">{countWords(attempts, 'attempt', 'attempts')}</span>
      {at !== null && (
        <span className="text-muted">
          <Age at={at} />
        </span>
      )}
      {failure !== null && <bdi className="w-full text-xs wrap-anywhere text-muted">{firstOf(failure)}</bdi>}
    </li>
  );
}

function Deliveries() {
  const query = useQuery(deliveriesQuery);
  return (
    <Section id="deliveries" title="The last messages">
      <Loaded query={query}>
        {(deliveries) =>
          deliveries.length === 0 ? (
            <p className="text-muted">Nobody was told of anything.</p>
          ) : (
            <ul className="card divide-y divide-line">
              {deliveries.map((delivery) => (
                <DeliveryRow key={delivery.id} delivery={delivery} />
              ))}
            </ul>
          )
        }
      </Loaded>
    </Section>
  );
}

function Alerts({ alerts }: { alerts: readonly Alert[] }) {
  const { sort = 'state', state } = page.useSearch();
  const navigate = page.useNavigate();
  if (alerts.length === 0) {
    return (
      <Empty icon="bell" title={state === 'all' ? 'There never was an alert' : 'Nothing is open'}>
        <p>One alert opens for each cause, whatever the number of its hosts, and resolves itself when that ends.</p>
        <WithoutHosts what="Without a host there is nothing to be told of." />
      </Empty>
    );
  }
  return (
    <DataTable
      label="Alerts"
      rows={alerts}
      rowKey={({ id }) => id}
      first={ALERT}
      columns={COLUMNS}
      sort={sort}
      onSort={(next) => void navigate({ search: (before) => ({ ...before, sort: next }), replace: true })}
    />
  );
}

/** What people were told of, and whether it arrived. */
export function AlertsPage() {
  const { state = 'open' } = page.useSearch();
  const query = useQuery(alertsQuery(state));
  return (
    <Page
      title="Alerts"
      lead={leadOf(query, (alerts) => countWords(alerts.length, 'alert', 'alerts'))}
      command={state === 'all' ? 'assay alerts list --all' : 'assay alerts list'}
      actions={
        <Link to="/alerts" search={state === 'open' ? { state: 'all' } : {}} className="button">
          {state === 'open' ? 'Show resolved ones too' : 'Show open ones alone'}
        </Link>
      }
    >
      <div className="space-y-8">
        <Loaded query={query}>{(alerts) => <Alerts alerts={alerts} />}</Loaded>
        <Sinks />
        <Deliveries />
      </div>
    </Page>
  );
}

import type {
  Finding,
  HostDocument,
  HostList,
  HostSummary,
  Measurement,
  MeasurementList,
  FindingList,
} from '@assay/wire';
import { ROUTES, route } from '@assay/wire/routes';
import { queryOptions } from '@tanstack/react-query';
import { requestDocument } from './documents.ts';

/** The most that the verifier gives in one page. */
const PAGE = 1000;

/** The page keeps this many of the newest entries; older ones are for `assay log show`. */
export const MEASUREMENTS_KEPT = 20_000;

const OPEN_FINDINGS_KEPT = 100;
const CLOSED_FINDINGS_KEPT = 20;

interface Page<Row> {
  readonly rows: readonly Row[];
  readonly next: string | null;
}

/** Follows `next` until the list ends or `most` rows are there. */
async function readPages<Row>(read: (search: string) => Promise<Page<Row>>, most = Number.POSITIVE_INFINITY) {
  const rows: Row[] = [];
  let search = `?limit=${PAGE}`;
  for (;;) {
    const page = await read(search);
    rows.push(...page.rows);
    if (page.next === null || rows.length >= most) return rows;
    search = `?limit=${PAGE}&${new URLSearchParams({ cursor: page.next })}`;
  }
}

export const hostsQuery = queryOptions({
  queryKey: ['hosts'],
  queryFn: ({ signal }): Promise<HostSummary[]> =>
    readPages(async (search) => {
      const page = await requestDocument<HostList>(ROUTES.hosts + search, 'assay.hosts.v1', { signal });
      return { rows: page.hosts, next: page.next };
    }),
});

export const hostQuery = (id: string) =>
  queryOptions({
    queryKey: ['host', id],
    queryFn: async ({ signal }) =>
      (await requestDocument<HostDocument>(route(ROUTES.host, id), 'assay.host.v1', { signal })).host,
  });

/** Newest entry first. */
export const measurementsQuery = (id: string) =>
  queryOptions({
    queryKey: ['measurements', id],
    queryFn: async ({ signal }): Promise<Measurement[]> => {
      const path = route(ROUTES.measurements, id);
      return readPages(async (search) => {
        const address = `${path}${search}&order=desc`;
        const page = await requestDocument<MeasurementList>(address, 'assay.measurements.v1', { signal });
        return { rows: page.measurements, next: page.next };
      }, MEASUREMENTS_KEPT);
    },
  });

async function readFindings(id: string, open: boolean, limit: number, signal: AbortSignal): Promise<Finding[]> {
  const search = new URLSearchParams({ host: id, open: String(open), limit: String(limit) });
  const page = await requestDocument<FindingList>(`${ROUTES.findings}?${search}`, 'assay.findings.v1', { signal });
  return page.findings;
}

export const byLastSeen = (a: Finding, b: Finding): number => b.lastSeen.localeCompare(a.lastSeen);

/** The newest open and the newest closed ones, those first that were seen last. */
export const findingsQuery = (id: string) =>
  queryOptions({
    queryKey: ['findings', id],
    queryFn: async ({ signal }): Promise<Finding[]> => {
      const open = await readFindings(id, true, OPEN_FINDINGS_KEPT, signal);
      const closed = await readFindings(id, false, CLOSED_FINDINGS_KEPT, signal);
      return [...open, ...closed].toSorted(byLastSeen);
    },
  });

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

const PAGE = 1000;

/** The page keeps this many of the newest entries; older ones are for `assay log show`. */
export const MEASUREMENTS_KEPT = 20_000;

/** Follows `next` until the list ends or `limit` rows are there. */
async function readPages<Row>(
  read: (search: string) => Promise<{ rows: readonly Row[]; next: string | null }>,
  limit = Number.POSITIVE_INFINITY,
): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor: string | null = '';
  while (cursor !== null && rows.length < limit) {
    const search = new URLSearchParams({ limit: String(PAGE), ...(cursor === '' ? {} : { cursor }) });
    const page = await read(`?${search}`);
    rows.push(...page.rows);
    cursor = page.next;
  }
  return rows;
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
      const rows = await readPages(async (search) => {
        const page = await requestDocument<MeasurementList>(path + search, 'assay.measurements.v1', { signal });
        return { rows: page.measurements, next: page.next };
      }, MEASUREMENTS_KEPT);
      return rows.sort((a, b) => b.entry - a.entry);
    },
  });

/** Of all hosts, newest first. */
export const findingsQuery = queryOptions({
  queryKey: ['findings'],
  queryFn: async ({ signal }): Promise<Finding[]> => {
    const rows = await readPages(async (search) => {
      const page = await requestDocument<FindingList>(ROUTES.findings + search, 'assay.findings.v1', { signal });
      return { rows: page.findings, next: page.next };
    }, MEASUREMENTS_KEPT);
    return rows.sort((a, b) => b.lastSeen.localeCompare(a.lastSeen));
  },
});

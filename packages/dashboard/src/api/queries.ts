import type {
  Finding,
  FindingList,
  FleetDocument,
  HostBoot,
  HostDocument,
  HostLine,
  HostLines,
  HostTimeline,
  Measurement,
  MeasurementList,
} from '@assay/wire';
import { ROUTES, route } from '@assay/wire/routes';
import { queryOptions } from '@tanstack/react-query';
import { againIn, requestDocument } from './documents.ts';

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
export async function readPages<Row>(
  read: (cursor: Readonly<Record<string, string>>) => Promise<Page<Row>>,
  most = Number.POSITIVE_INFINITY,
): Promise<Row[]> {
  const rows: Row[] = [];
  let cursor: Readonly<Record<string, string>> = {};
  for (;;) {
    const page = await read(cursor);
    rows.push(...page.rows);
    if (page.next === null || rows.length >= most) return rows;
    cursor = { cursor: page.next };
  }
}

const withQuery = (path: string, query: Readonly<Record<string, string>>): string =>
  `${path}?${new URLSearchParams(query)}`;

export interface Fleet {
  readonly staleAfterSeconds: number;
  /** By name. */
  readonly hosts: readonly HostLine[];
}

/** All hosts, a line each: asked for once, then kept up to date by the event stream. */
export const hostLinesQuery = queryOptions({
  queryKey: ['host-lines'],
  // Ten thousand lines are replaced, not compared field by field.
  structuralSharing: false,
  queryFn: async ({ signal }): Promise<Fleet> => {
    let staleAfterSeconds = 0;
    const hosts = await readPages(async (cursor) => {
      const page = await requestDocument<HostLines>(withQuery(ROUTES.hostLines, cursor), 'assay.host-lines.v1', {
        signal,
      });
      staleAfterSeconds = page.staleAfterSeconds;
      return { rows: page.hosts, next: page.next };
    });
    return { staleAfterSeconds, hosts };
  },
});

/** The fleet as the store counts it; asked again when verdicts or findings change, and each half minute as the day goes on. */
export const fleetQuery = queryOptions({
  queryKey: ['fleet'],
  refetchInterval: againIn(30_000),
  queryFn: ({ signal }) => requestDocument<FleetDocument>(ROUTES.fleet, 'assay.fleet.v1', { signal }),
});

/** All that is kept here of one host stands under its name. */
export const hostKey = (name: string) => ['host', name] as const;

export const hostQuery = (name: string) =>
  queryOptions({
    queryKey: [...hostKey(name), 'detail'],
    queryFn: async ({ signal }) =>
      (await requestDocument<HostDocument>(route(ROUTES.host, name), 'assay.host.v1', { signal })).host,
  });

async function readMeasurements(name: string, query: Readonly<Record<string, string>>, signal?: AbortSignal) {
  const address = withQuery(route(ROUTES.measurements, name), { limit: String(PAGE), ...query });
  const page = await requestDocument<MeasurementList>(address, 'assay.measurements.v1', signal ? { signal } : {});
  return { rows: page.measurements, next: page.next };
}

export const timelineQuery = (name: string) =>
  queryOptions({
    queryKey: [...hostKey(name), 'timeline'],
    queryFn: ({ signal }) =>
      requestDocument<HostTimeline>(route(ROUTES.timeline, name), 'assay.host-timeline.v1', { signal }),
  });

/** The log of a boot comes a round after its first evidence, which no event tells. */
const LOG_MILLISECONDS = 5000;

export const bootQuery = (name: string) =>
  queryOptions({
    queryKey: [...hostKey(name), 'boot'],
    queryFn: ({ signal }) => requestDocument<HostBoot>(route(ROUTES.boot, name), 'assay.host-boot.v1', { signal }),
    refetchInterval: ({ state }) => againIn(state.data?.log.state === 'not-sent' ? LOG_MILLISECONDS : false)({ state }),
  });

/** Newest entry first. */
export const measurementsQuery = (name: string) =>
  queryOptions({
    queryKey: [...hostKey(name), 'measurements'],
    queryFn: ({ signal }): Promise<Measurement[]> =>
      readPages((cursor) => readMeasurements(name, { order: 'desc', ...cursor }, signal), MEASUREMENTS_KEPT),
  });

/** The same as it was known at a time: nothing that happens later changes it. */
export const measurementsAtQuery = (name: string, at: string) =>
  queryOptions({
    queryKey: ['measurements-at', name, at],
    queryFn: ({ signal }): Promise<Measurement[]> =>
      readPages(
        (cursor) => readMeasurements(name, { order: 'desc', at: new Date(at).toISOString(), ...cursor }, signal),
        MEASUREMENTS_KEPT,
      ),
  });

/** The entries after one, the oldest first. */
export const measurementsAfter = (name: string, entry: number): Promise<Measurement[]> =>
  readPages((cursor) => readMeasurements(name, { order: 'asc', cursor: String(entry), ...cursor }), MEASUREMENTS_KEPT);

async function readFindings(name: string, open: boolean, limit: number, signal: AbortSignal): Promise<Finding[]> {
  const search = { host: name, open: String(open), limit: String(limit) };
  const page = await requestDocument<FindingList>(withQuery(ROUTES.findings, search), 'assay.findings.v1', { signal });
  return page.findings;
}

/** The newest open and the newest closed ones of a host, those first that were seen last. */
export const findingsQuery = (name: string) =>
  queryOptions({
    queryKey: [...hostKey(name), 'findings'],
    queryFn: async ({ signal }): Promise<Finding[]> => {
      const open = await readFindings(name, true, OPEN_FINDINGS_KEPT, signal);
      const closed = await readFindings(name, false, CLOSED_FINDINGS_KEPT, signal);
      return [...open, ...closed].toSorted((a, b) => b.lastSeen.localeCompare(a.lastSeen));
    },
  });

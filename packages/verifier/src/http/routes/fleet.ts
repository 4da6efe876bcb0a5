import { Health, HostDocument, HostList, MeasurementList, ROUTES, Time } from '@assay/wire';
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { authorityOf } from '../../hosts/authority.ts';
import { detailOf } from '../../hosts/detail.ts';
import { stateOf, statesOf } from '../../hosts/facts.ts';
import { summaryOf } from '../../hosts/summary.ts';
import { expireVerdicts } from '../../hosts/verdict.ts';
import { listThen } from '../../rounds/list-then.ts';
import { measurements, presentList } from '../../rounds/measurements.ts';
import type { Pulse } from '../../metrics/pulse.ts';
import { labelsOf } from '../../store/labels.ts';
import { hostsAfter } from '../../store/hosts.ts';
import { digestRoutes } from './digests.ts';
import { findingRoutes } from './findings.ts';
import type { App } from '../instance.ts';
import type { EventStreams } from '../events.ts';
import { hostNamed } from '../hosts.ts';
import { lineRoutes } from './lines.ts';
import { numberCursor, pageOf, PAGING } from '../paging.ts';
import { HostParams, PROBLEMS } from '../schemas.ts';

export interface FleetOptions {
  readonly streams: EventStreams;
  readonly version: string;
  readonly pulse: Pulse;
}

/** What a viewer may read. */
export function fleetRoutes(app: App, context: Context, { streams, version, pulse }: FleetOptions): void {
  app.get(
    ROUTES.health,
    { schema: { summary: 'Is the verifier alive?', tags: ['fleet'], response: { 200: Health, ...PROBLEMS } } },
    // It asks the store for nothing: who starts anew what does not answer would only add to an outage.
    async () => ({ status: 'ok' as const, version }),
  );
  app.get(
    ROUTES.events,
    {
      exposeHeadRoute: false,
      schema: {
        summary: 'Changes as they happen, as server-sent events',
        tags: ['fleet'],
        querystring: z.strictObject({ form: z.enum(['whole', 'lines']).default('whole') }),
        produces: ['text/event-stream'],
      },
    },
    async ({ query, admitAgain, principal, ip }, reply) => {
      streams.open(reply, query.form, { who: principal?.name ?? ip, admitAgain });
      return reply;
    },
  );
  lineRoutes(app, context, { version, pulse });
  hostRoutes(app, context);
  measurementRoute(app, context);
  findingRoutes(app, context);
  digestRoutes(app, context);
}

function hostRoutes(app: App, context: Context): void {
  const { database, staleAfterSeconds } = context;
  app.get(
    ROUTES.hosts,
    {
      schema: {
        summary: 'All hosts, by name',
        tags: ['fleet'],
        querystring: z.strictObject(PAGING),
        response: { 200: HostList, ...PROBLEMS },
      },
    },
    async ({ query }) => {
      await expireVerdicts(context);
      const rows = await hostsAfter(database, query.cursor, query.limit + 1);
      const { page, next } = pageOf(rows, query.limit, (row) => row.name);
      const hosts = (await statesOf(database, page)).map((state) => summaryOf(state, staleAfterSeconds));
      return { schema: 'assay.hosts.v1' as const, hosts, next };
    },
  );
  app.get(
    ROUTES.host,
    {
      schema: {
        summary: 'One host, by id or name',
        tags: ['fleet'],
        params: HostParams,
        response: { 200: HostDocument, ...PROBLEMS },
      },
    },
    async ({ params }) => {
      await expireVerdicts(context);
      const state = await stateOf(database, await hostNamed(database, params.id));
      const labels = await labelsOf(database, state.host.id);
      const authority = await authorityOf(context.database, state);
      const host = detailOf(state, labels, { authority, now: context.now(), staleAfterSeconds });
      return { schema: 'assay.host.v1' as const, host };
    },
  );
}

function measurementRoute(app: App, context: Context): void {
  const { database } = context;
  app.get(
    ROUTES.measurements,
    {
      schema: {
        summary: 'The measurement list of the current boot of a host, or as it was known at a time',
        tags: ['fleet'],
        params: HostParams,
        querystring: z.strictObject({ ...PAGING, order: z.enum(['asc', 'desc']).default('asc'), at: Time.optional() }),
        response: { 200: MeasurementList, ...PROBLEMS },
      },
    },
    async ({ params, query: { limit, cursor, order, at } }) => {
      const state = await stateOf(database, await hostNamed(database, params.id));
      const list = await (at === undefined
        ? presentList(database, context, state)
        : listThen(database, context, state, new Date(at).toISOString()));
      const total = list?.total ?? 0;
      const part = partOf(total, { limit, order, after: numberCursor(cursor) });
      const read = list === null ? [] : await measurements(database, list, part);
      const { page, next } = pageOf(order === 'asc' ? read : read.toReversed(), limit, (row) => row.entry);
      return { schema: 'assay.measurements.v1' as const, total, measurements: page, next };
    },
  );
}

/** The places in a list of a page and of the row after it. */
function partOf(
  total: number,
  { limit, order, after }: { limit: number; order: 'asc' | 'desc'; after: number | undefined },
): { from: number; to: number } {
  if (order === 'asc') {
    const from = (after ?? 0) + 1;
    return { from, to: Math.min(total, from + limit) };
  }
  const to = Math.min(total, (after ?? total + 1) - 1);
  return { from: Math.max(1, to - limit), to };
}

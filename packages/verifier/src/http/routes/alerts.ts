import { AlertList, AlertSinkList, AlertSinkTest, DeliveryList, ROUTES, type Alert, type Delivery } from '@assay/wire';
import { z } from 'zod';
import type { Sink } from '../../alerts/index.ts';
import { AlertMessage } from '../../alerts/message.ts';
import { sinkOnWire, trySink } from '../../alerts/try-sink.ts';
import type { Context } from '../../context.ts';
import { RequestProblem } from '../../problem.ts';
import { alertsOf, deliveriesOf, hostNamesOf } from '../../store/alerts.ts';
import type { AlertRow, DeliveryRow } from '../../store/schema.ts';
import { principalOf } from '../access.ts';
import { requireJson } from '../guards.ts';
import type { App } from '../instance.ts';
import { numberCursor, pageOf, PAGING } from '../paging.ts';
import { BEARER, PROBLEMS } from '../schemas.ts';

/** What people were told of, and whether it arrived. */
export function alertRoutes(app: App, context: Context, sinks: readonly Sink[]): void {
  const { database } = context;
  app.get(
    ROUTES.alerts,
    {
      schema: {
        summary: 'Alerts, newest first',
        tags: ['alerts'],
        querystring: z.strictObject({ ...PAGING, open: z.enum(['true', 'false']).optional() }),
        response: { 200: AlertList, ...PROBLEMS },
      },
    },
    async ({ query: { limit, cursor, open } }) => {
      const asked = open === undefined ? undefined : open === 'true';
      const rows = await alertsOf(database, { limit: limit + 1, open: asked, after: numberCursor(cursor) });
      const { page, next } = pageOf(rows, limit, ({ seq }) => seq);
      return { schema: 'assay.alerts.v1' as const, alerts: page.map(alertOnWire), next };
    },
  );
  app.get(
    ROUTES.deliveries,
    {
      schema: {
        summary: 'Messages to alert sinks, newest first',
        tags: ['alerts'],
        querystring: z.strictObject(PAGING),
        response: { 200: DeliveryList, ...PROBLEMS },
      },
    },
    async ({ query: { limit, cursor } }) => {
      const rows = await deliveriesOf(database, limit + 1, numberCursor(cursor));
      const { page, next } = pageOf(rows, limit, ({ seq }) => seq);
      return { schema: 'assay.deliveries.v1' as const, deliveries: page.map(deliveryOnWire), next };
    },
  );
  sinkRoutes(app, context, sinks);
}

const SinkParams = z.object({ id: z.string().min(1).max(64) });

/** The sinks that this verifier was started with. */
function sinkRoutes(app: App, context: Context, sinks: readonly Sink[]): void {
  app.get(
    ROUTES.alertSinks,
    {
      schema: {
        summary: 'Where alerts go, without what is secret of it',
        tags: ['alerts'],
        response: { 200: AlertSinkList, ...PROBLEMS },
      },
    },
    () => ({ schema: 'assay.alert-sinks.v1' as const, sinks: sinks.map(sinkOnWire) }),
  );
  app.post(
    ROUTES.alertSinkTest,
    {
      onRequest: [requireJson],
      schema: {
        summary: 'Send a test message to a sink',
        tags: ['operator'],
        security: BEARER,
        params: SinkParams,
        body: z.strictObject({}),
        response: { 200: AlertSinkTest, ...PROBLEMS },
      },
    },
    async (request) => {
      const sink = sinks.find(({ name }) => name === request.params.id);
      if (sink === undefined) throw new RequestProblem('REQUEST-NOT-FOUND', 'No sink of this verifier has that name.');
      return trySink(context, principalOf(request), sink);
    },
  );
}

function alertOnWire(row: AlertRow): Alert {
  return {
    id: `A-${row.seq}`,
    code: row.code,
    severity: row.severity,
    sentence: row.sentence,
    digest: row.digest,
    hosts: row.hosts,
    hostNames: hostNamesOf(row),
    firstSeen: row.first_seen,
    lastSeen: row.last_seen,
    openedAt: row.opened_at,
    resolvedAt: row.resolved_at,
    acknowledged: row.acknowledged === 1,
  };
}

function deliveryOnWire(row: DeliveryRow): Delivery {
  const { sentence } = AlertMessage.parse(JSON.parse(row.document));
  const ended = row.failure === null ? 'delivered' : 'given-up';
  return {
    id: `D-${row.seq}`,
    message: row.message,
    sink: row.sink,
    sentence,
    state: row.ended_at === null ? 'waiting' : ended,
    attempts: row.attempts,
    dueAt: row.ended_at === null ? row.due_at : null,
    endedAt: row.ended_at,
    failure: row.failure,
  };
}

import { AlertList, DeliveryList, ROUTES, type Alert, type Delivery } from '@assay/wire';
import { z } from 'zod';
import { AlertMessage } from '../../alerts/message.ts';
import type { Context } from '../../context.ts';
import { alertsOf, deliveriesOf, hostNamesOf } from '../../store/alerts.ts';
import type { AlertRow, DeliveryRow } from '../../store/schema.ts';
import type { App } from '../instance.ts';
import { numberCursor, pageOf, PAGING } from '../paging.ts';
import { PROBLEMS } from '../schemas.ts';

/** What people were told of, and whether it arrived. */
export function alertRoutes(app: App, { database }: Context): void {
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

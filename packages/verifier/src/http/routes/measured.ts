import { FleetMeasurementList, ROUTES } from '@assay/wire';
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { measuredPage, type MeasuredCursor } from '../../hosts/measured.ts';
import { Prevalence } from '../../hosts/prevalence.ts';
import { RequestProblem } from '../../problem.ts';
import type { App } from '../instance.ts';
import { PAGING } from '../paging.ts';
import { PROBLEMS } from '../schemas.ts';

const Query = z.strictObject({
  ...PAGING,
  text: z.string().max(200).default(''),
  mostHosts: z.coerce.number().int().min(1).optional(),
  order: z.enum(['rare', 'common']).default('rare'),
});

/** What runs in the fleet. */
export function measuredRoutes(app: App, context: Context): void {
  const prevalence = new Prevalence(context);
  app.get(
    ROUTES.fleetMeasurements,
    {
      schema: {
        summary: 'What the present boots of all hosts measured, each digest and path once, the rarest first',
        tags: ['fleet'],
        querystring: Query,
        response: { 200: FleetMeasurementList, ...PROBLEMS },
      },
    },
    async ({ query: { limit, cursor, text, mostHosts, order } }) => {
      const counted = await prevalence.counted();
      const { measurements, next } = await measuredPage(context.database, counted, {
        limit,
        after: cursorFrom(cursor),
        text: text.toLowerCase(),
        most: mostHosts ?? Infinity,
        order,
      });
      return {
        schema: 'assay.fleet-measurements.v1' as const,
        counted: { hosts: counted.hosts, entries: counted.rareFirst.length, at: counted.at.toISOString() },
        measurements,
        next: next === null ? null : `${next.hosts}-${next.entry}`,
      };
    },
  );
}

/** @throws RequestProblem REQUEST-INVALID */
function cursorFrom(text: string | undefined): MeasuredCursor | undefined {
  if (text === undefined) return undefined;
  const [, hosts, entry] = /^(\d{1,9})-(\d{1,15})$/.exec(text) ?? [];
  if (hosts === undefined || entry === undefined) {
    throw new RequestProblem('REQUEST-INVALID', 'cursor: is not one of this list');
  }
  return { hosts: Number(hosts), entry: Number(entry) };
}

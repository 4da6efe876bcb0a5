import { HOST_LINES_MOST, HostLines, ROUTES } from '@assay/wire';
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { expireVerdicts } from '../../hosts/verdict.ts';
import { hostLinesAfter } from '../../store/host-lines.ts';
import type { App } from '../instance.ts';
import { pageOf, PAGING } from '../paging.ts';
import { PROBLEMS } from '../schemas.ts';

const Query = z.strictObject({
  ...PAGING,
  limit: z.coerce.number().int().min(1).max(HOST_LINES_MOST).default(HOST_LINES_MOST),
});

/** The fleet as pages show it: many hosts in one answer. */
export function lineRoutes(app: App, context: Context): void {
  app.get(
    ROUTES.hostLines,
    {
      schema: {
        summary: 'All hosts by name, each in one line; pages of thousands',
        tags: ['fleet'],
        querystring: Query,
        response: { 200: HostLines, ...PROBLEMS },
      },
    },
    async ({ query }) => {
      await expireVerdicts(context);
      const rows = await hostLinesAfter(context.database, query.cursor, query.limit + 1);
      const { page, next } = pageOf(rows, query.limit, ({ name }) => name);
      return {
        schema: 'assay.host-lines.v1' as const,
        staleAfterSeconds: context.staleAfterSeconds,
        hosts: page,
        next,
      };
    },
  );
}

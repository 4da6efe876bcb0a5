import { Digest, DigestDocument, ROUTES } from '@assay/wire';
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { whoMeasured } from '../../hosts/who.ts';
import type { App } from '../instance.ts';
import { numberCursor, PAGING } from '../paging.ts';
import { PROBLEMS } from '../schemas.ts';

/** Who ever measured a digest. */
export function digestRoutes(app: App, context: Context): void {
  app.get(
    ROUTES.digest,
    {
      schema: {
        summary: 'Every host, boot and path at which a digest was measured, the newest boots first',
        tags: ['fleet'],
        params: z.object({ digest: Digest }),
        querystring: z.strictObject(PAGING),
        response: { 200: DigestDocument, ...PROBLEMS },
      },
    },
    async ({ params, query: { limit, cursor } }) =>
      whoMeasured(context.database, params.digest, { limit, before: numberCursor(cursor) }),
  );
}

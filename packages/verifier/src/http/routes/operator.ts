import { CaptureReply, CaptureRequest, ROUTES } from '@assay/wire';
import type { Context } from '../../context.ts';
import { captureReferenceValues } from '../../rounds/capture.ts';
import type { App } from '../instance.ts';
import { principalOf } from '../access.ts';
import { requireJson } from '../guards.ts';
import { BEARER, HostParams, PROBLEMS } from '../schemas.ts';
import { hostNamed } from '../hosts.ts';

/** A capture with the files of a large root file system added. */
const BODY_LIMIT = 64 * 1024 * 1024;

/** Per minute and address. */
const RATE = { max: 120, timeWindow: 60_000 };

/** What an operator may do. */
export function operatorRoutes(app: App, context: Context): void {
  app.post(
    ROUTES.captures,
    {
      onRequest: [requireJson],
      bodyLimit: BODY_LIMIT,
      config: { rateLimit: RATE },
      schema: {
        summary: 'Make the present list of a host, and what is added, its reference values',
        tags: ['operator'],
        security: BEARER,
        params: HostParams,
        body: CaptureRequest,
        response: { 201: CaptureReply, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const host = await hostNamed(context.database, request.params.id);
      const captured = await captureReferenceValues(context, principalOf(request), host, request.body);
      return reply.code(201).send(captured);
    },
  );
}

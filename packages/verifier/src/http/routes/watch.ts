import { Ready, ROUTES } from '@assay/wire';
import type { Context } from '../../context.ts';
import type { Metrics } from '../../metrics/metrics.ts';
import type { Pulse } from '../../metrics/pulse.ts';
import { RequestProblem } from '../../problem.ts';
import { isAnswering } from '../../store/counts.ts';
import type { App } from '../instance.ts';
import { PROBLEMS } from '../schemas.ts';

/** Seconds by which a verifier that is well is never late. */
const LATE_SECONDS = 10;

/** What others watch the watch by. */
export function watchRoutes(app: App, { database }: Context, metrics: Metrics, pulse: Pulse): void {
  app.addHook('onResponse', async (request, reply) => {
    metrics.answered(request.routeOptions.url, request.method, reply.statusCode, reply.elapsedTime / 1000);
  });
  app.get(
    ROUTES.ready,
    {
      schema: {
        summary: 'Does the verifier do its work: is its store there, and is it in time?',
        tags: ['fleet'],
        response: { 200: Ready, ...PROBLEMS },
      },
    },
    async () => {
      const late = pulse.lateSeconds();
      if (late > LATE_SECONDS) throw new RequestProblem('VERIFIER-LATE', `It is ${Math.round(late)} s late.`);
      if (!(await isAnswering(database))) throw new RequestProblem('VERIFIER-LATE', 'The store does not answer.');
      return { status: 'ready' as const, lateSeconds: late };
    },
  );
  app.get(
    ROUTES.metrics,
    { schema: { summary: 'Figures for Prometheus', tags: ['fleet'], produces: ['text/plain'] } },
    async (_request, reply) => reply.type(metrics.registry.contentType).send(await metrics.text()),
  );
}

import {
  EvidenceBundle,
  FleetDocument,
  HostBoot,
  HOST_LINES_MOST,
  HostLines,
  HostTimeline,
  LabelsReply,
  LabelsRequest,
  ROUTES,
} from '@assay/wire';
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { bootOf } from '../../hosts/boot.ts';
import { bundleOf } from '../../hosts/bundle.ts';
import { fleetOf } from '../../hosts/fleet.ts';
import { labelHost } from '../../hosts/labels.ts';
import { timelineOf } from '../../hosts/timeline.ts';
import { expireVerdicts } from '../../hosts/verdict.ts';
import type { Pulse } from '../../metrics/pulse.ts';
import { RequestProblem } from '../../problem.ts';
import { hostLinesAfter } from '../../store/host-lines.ts';
import { principalOf } from '../access.ts';
import { requireJson } from '../guards.ts';
import { hostNamed } from '../hosts.ts';
import type { App } from '../instance.ts';
import { pageOf, PAGING } from '../paging.ts';
import { BEARER, HostParams, PROBLEMS } from '../schemas.ts';

const Query = z.strictObject({
  ...PAGING,
  limit: z.coerce.number().int().min(1).max(HOST_LINES_MOST).default(HOST_LINES_MOST),
});

export interface LineOptions {
  readonly version: string;
  readonly pulse: Pulse;
}

/** The fleet as pages show it: many hosts in one answer, and all that happened to one. */
export function lineRoutes(app: App, context: Context, options: LineOptions): void {
  summaryRoute(app, context, options);
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
      const { staleAfterSeconds } = context;
      return { schema: 'assay.host-lines.v1' as const, staleAfterSeconds, hosts: page, next };
    },
  );
  timelineRoute(app, context);
  bootRoute(app, context);
  bundleRoute(app, context);
  labelRoute(app, context);
}

function summaryRoute(app: App, context: Context, { version, pulse }: LineOptions): void {
  const startedAt = context.now().toISOString();
  app.get(
    ROUTES.fleet,
    {
      schema: {
        summary: 'The fleet in one answer: verdicts and their day, open causes, policies, the verifier itself',
        tags: ['fleet'],
        response: { 200: FleetDocument, ...PROBLEMS },
      },
    },
    async () => {
      await expireVerdicts(context);
      return fleetOf(context, { version, startedAt, lateSeconds: pulse.lateSeconds() });
    },
  );
}

function timelineRoute(app: App, { database }: Context): void {
  app.get(
    ROUTES.timeline,
    {
      schema: {
        summary: 'What happened to a host: verdicts, boots, arrivals of entries, reference values, findings',
        tags: ['fleet'],
        params: HostParams,
        response: { 200: HostTimeline, ...PROBLEMS },
      },
    },
    async ({ params }) => timelineOf(database, await hostNamed(database, params.id)),
  );
}

const BootQuery = z.strictObject({ boot: z.coerce.number().int().min(1).optional() });

function bootRoute(app: App, { database }: Context): void {
  app.get(
    ROUTES.boot,
    {
      schema: {
        summary:
          'How a host started: Secure Boot, command line, PCRs and events of its boot event log; by default this boot',
        tags: ['fleet'],
        params: HostParams,
        querystring: BootQuery,
        response: { 200: HostBoot, ...PROBLEMS },
      },
    },
    async ({ params, query }) => {
      const host = await hostNamed(database, params.id);
      const found = await bootOf(database, host, query.boot);
      if (found !== undefined) return found;
      throw new RequestProblem('REQUEST-NOT-FOUND', `${host.name} has no boot ${query.boot}.`);
    },
  );
}

function bundleRoute(app: App, { database }: Context): void {
  app.get(
    ROUTES.proof,
    {
      schema: {
        summary: 'The newest evidence of a host that verified, to be verified once more without this verifier',
        tags: ['fleet'],
        params: HostParams,
        response: { 200: EvidenceBundle, ...PROBLEMS },
      },
    },
    async ({ params }, reply) => {
      const host = await hostNamed(database, params.id);
      reply.header('content-disposition', `attachment; filename="${host.name}.evidence.json"`);
      return bundleOf(database, host);
    },
  );
}

function labelRoute(app: App, context: Context): void {
  app.post(
    ROUTES.labels,
    {
      onRequest: [requireJson],
      schema: {
        summary: 'Set labels of a host; null takes one away',
        tags: ['operator'],
        security: BEARER,
        params: HostParams,
        body: LabelsRequest,
        response: { 200: LabelsReply, ...PROBLEMS },
      },
    },
    async (request) => {
      const host = await hostNamed(context.database, request.params.id);
      const labels = await labelHost(context, principalOf(request), host, request.body);
      return { schema: 'assay.host-labels.v1' as const, host: host.name, labels };
    },
  );
}

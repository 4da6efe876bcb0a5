import {
  Digest,
  FindingAcknowledgement,
  FindingApproval,
  FindingDocument,
  FindingList,
  FindingResolution,
  ROUTES,
} from '@assay/wire';
import { z } from 'zod';
import type { Context } from '../../context.ts';
import { acknowledgeFinding, withdrawAcknowledgement } from '../../hosts/acknowledge.ts';
import { findingOnWire } from '../../hosts/findings.ts';
import { approveFinding } from '../../policies/approve.ts';
import { RequestProblem } from '../../problem.ts';
import { resolveFinding } from '../../rounds/resolve.ts';
import { findingBySeq, findingsOf } from '../../store/findings.ts';
import type { FindingRow } from '../../store/schema.ts';
import { principalOf } from '../access.ts';
import { requireJson } from '../guards.ts';
import { hostNamed } from '../hosts.ts';
import type { App } from '../instance.ts';
import { numberCursor, pageOf, PAGING } from '../paging.ts';
import { BEARER, PROBLEMS } from '../schemas.ts';

const RATE = { max: 120, timeWindow: 60_000 };
const Params = z.object({ id: z.string().regex(/^F-[1-9]\d{0,14}$/) });
const Answer = z.enum(['true', 'false']).optional();
const FINDING = { 200: FindingDocument, ...PROBLEMS };

/** What is verified and not acceptable: listed, known of, ended, approved. */
export function findingRoutes(app: App, context: Context): void {
  listRoutes(app, context);
  acknowledgementRoutes(app, context);
  endRoutes(app, context);
}

function listRoutes(app: App, context: Context): void {
  const { database } = context;
  app.get(
    ROUTES.findings,
    {
      schema: {
        summary: 'Findings, newest first',
        tags: ['fleet'],
        querystring: z.strictObject({
          ...PAGING,
          host: z.string().max(64).optional(),
          open: Answer,
          acknowledged: Answer,
          code: z.string().max(64).optional(),
          digest: Digest.optional(),
        }),
        response: { 200: FindingList, ...PROBLEMS },
      },
    },
    async ({ query: { limit, cursor, host, open, acknowledged, code, digest } }) => {
      const rows = await findingsOf(database, {
        limit: limit + 1,
        host: host === undefined ? undefined : (await hostNamed(database, host)).id,
        open: isTrue(open),
        acknowledged: isTrue(acknowledged),
        code,
        digest,
        at: context.now().toISOString(),
        after: numberCursor(cursor),
      });
      const { page, next } = pageOf(rows, limit, (row) => row.seq);
      const findings = [];
      for (const row of page) findings.push(await findingOnWire(database, row, context.now()));
      return { schema: 'assay.findings.v1' as const, findings, next };
    },
  );
  app.get(
    ROUTES.finding,
    { schema: { summary: 'One finding', tags: ['fleet'], params: Params, response: FINDING } },
    async ({ params }) => {
      const row = await findingBySeq(database, seqOf(params));
      if (row === undefined) throw new RequestProblem('REQUEST-NOT-FOUND', `There is no finding ${params.id}.`);
      return documentOf(context, row);
    },
  );
}

function acknowledgementRoutes(app: App, context: Context): void {
  app.post(
    ROUTES.findingAcknowledgement,
    {
      onRequest: [requireJson],
      config: { rateLimit: RATE },
      schema: {
        summary: 'Note that a finding is known of: it stays open, and alerts nobody again until then',
        tags: ['operator'],
        security: BEARER,
        params: Params,
        body: FindingAcknowledgement,
        response: FINDING,
      },
    },
    async (request) => {
      const by = principalOf(request);
      return documentOf(context, await acknowledgeFinding(context, by, seqOf(request.params), request.body));
    },
  );
  app.delete(
    ROUTES.findingAcknowledgement,
    {
      config: { rateLimit: RATE },
      schema: {
        summary: 'Take back that a finding is known of',
        tags: ['operator'],
        security: BEARER,
        params: Params,
        response: FINDING,
      },
    },
    async (request) =>
      documentOf(context, await withdrawAcknowledgement(context, principalOf(request), seqOf(request.params))),
  );
}

function endRoutes(app: App, context: Context): void {
  app.post(
    ROUTES.findingResolution,
    {
      onRequest: [requireJson],
      config: { rateLimit: RATE },
      schema: {
        summary: 'End a finding that the evidence shows no more',
        tags: ['operator'],
        security: BEARER,
        params: Params,
        body: FindingResolution,
        response: FINDING,
      },
    },
    async (request) => {
      const by = principalOf(request);
      return documentOf(context, await resolveFinding(context, by, seqOf(request.params), request.body));
    },
  );
  app.post(
    ROUTES.findingApproval,
    {
      onRequest: [requireJson],
      config: { rateLimit: RATE },
      schema: {
        summary: 'Propose a version in which what a finding is about is good',
        tags: ['policies'],
        security: BEARER,
        params: Params,
        body: z.strictObject({}),
        response: { 201: FindingApproval, ...PROBLEMS },
      },
    },
    async (request, reply) =>
      reply.code(201).send(await approveFinding(context, principalOf(request), seqOf(request.params))),
  );
}

function isTrue(answer: 'true' | 'false' | undefined): boolean | undefined {
  return answer === undefined ? undefined : answer === 'true';
}

function seqOf({ id }: z.infer<typeof Params>): number {
  return Number(id.slice('F-'.length));
}

async function documentOf({ database, now }: Context, row: FindingRow): Promise<FindingDocument> {
  return { schema: 'assay.finding.v1', finding: await findingOnWire(database, row, now()) };
}

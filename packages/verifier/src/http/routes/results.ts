import { EAR_PROFILES } from '@assay/core/ear';
import { ResultDocument, ResultKeys, ResultQuery, ROUTES } from '@assay/wire';
import { keySetOf, signResult, TOKEN_TYPE, type TokenKey } from '@assay/wire/token';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Context } from '../../context.ts';
import { openFindings, stateOf } from '../../hosts/facts.ts';
import { summaryOf } from '../../hosts/summary.ts';
import { expireVerdicts } from '../../hosts/verdict.ts';
import { resultOf } from '../../results/result.ts';
import { agentHostOf, requireAgent } from '../guards.ts';
import { requireHostCertificate } from '../host-certificate.ts';
import { hostNamed } from '../hosts.ts';
import type { App } from '../instance.ts';
import { BEARER, HostParams, PROBLEMS } from '../schemas.ts';

export interface ResultOptions {
  /** The first signs; the others are published, since their tokens may still be about. */
  readonly keys: readonly [TokenKey, ...TokenKey[]];
}

/** Per minute and address: each result is a signature. */
const RESULT_RATE = { max: 3000, timeWindow: 60_000 };

/** Verdicts as signed attestation results: asked for by a service (background check) or by the host (passport). */
export function resultRoutes(app: App, context: Context, { keys }: ResultOptions): void {
  const answer = async (id: string, query: ResultQuery, request: FastifyRequest, reply: FastifyReply) => {
    const token = await tokenOf(context, keys[0], id, query);
    if (!wantsToken(request)) return { schema: 'assay.result.v1' as const, token };
    return reply.type(`${TOKEN_TYPE}; eat_profile="${EAR_PROFILES[query.profile]}"`).send(token);
  };
  app.get(
    ROUTES.result,
    {
      config: { rateLimit: RESULT_RATE },
      schema: {
        summary: 'A signed attestation result of a host (EAR); as JSON, or alone for Accept: application/eat+jwt',
        tags: ['results'],
        params: HostParams,
        querystring: ResultQuery,
        response: { 200: ResultDocument, ...PROBLEMS },
      },
    },
    async (request, reply) => answer(request.params.id, request.query, request, reply),
  );
  app.get(
    ROUTES.agentResult,
    {
      onRequest: [requireAgent(context.database), requireHostCertificate(context)],
      schema: {
        summary: 'The result of the host that asks, to be shown to services',
        tags: ['results'],
        security: BEARER,
        querystring: ResultQuery,
        response: { 200: ResultDocument, ...PROBLEMS },
      },
    },
    async (request, reply) => answer(agentHostOf(request).id, request.query, request, reply),
  );
  app.get(
    ROUTES.resultKeys,
    {
      schema: { summary: 'The keys that sign results', tags: ['results'], response: { 200: ResultKeys, ...PROBLEMS } },
    },
    async () => ResultKeys.parse(keySetOf(keys)),
  );
}

function wantsToken({ headers }: FastifyRequest): boolean {
  return headers.accept?.toLowerCase().startsWith(TOKEN_TYPE) === true;
}

async function tokenOf(context: Context, key: TokenKey, id: string, query: ResultQuery): Promise<string> {
  await expireVerdicts(context);
  const state = await stateOf(context.database, await hostNamed(context.database, id));
  const summary = summaryOf(state, context.staleAfterSeconds);
  return signResult(resultOf(summary, openFindings(state.findings), query, context.now()), query.profile, key);
}

import { AuditPage, ROUTES, TokenList, TokenReply, TokenRequest, AccessToken } from '@assay/wire';
import { z } from 'zod';
import { auditEntry } from '../../access/audit.ts';
import { createToken, endToken, tokenOnWire } from '../../access/tokens.ts';
import type { Context } from '../../context.ts';
import { allTokens, auditAfter } from '../../store/access.ts';
import { principalOf } from '../access.ts';
import { requireJson } from '../guards.ts';
import type { App } from '../instance.ts';
import { numberCursor, pageOf, PAGING } from '../paging.ts';
import { BEARER, PROBLEMS } from '../schemas.ts';

/** Per minute and address. */
const RATE = { max: 120, timeWindow: 60_000 };

/** Tokens of people and programs, and the log of what was done. */
export function accessRoutes(app: App, context: Context): void {
  tokenRoutes(app, context);
  app.get(
    ROUTES.audit,
    {
      schema: {
        summary: 'What was done by whom, the oldest first; each entry carries the hash of all before it',
        tags: ['access'],
        security: BEARER,
        querystring: z.strictObject(PAGING),
        response: { 200: AuditPage, ...PROBLEMS },
      },
    },
    async ({ query: { limit, cursor } }) => {
      const rows = await auditAfter(context.database, numberCursor(cursor) ?? 0, limit + 1);
      const { page, next } = pageOf(rows, limit, ({ seq }) => seq);
      return { schema: 'assay.audit.v1' as const, entries: page.map(auditEntry), next };
    },
  );
}

function tokenRoutes(app: App, context: Context): void {
  app.get(
    ROUTES.tokens,
    {
      schema: {
        summary: 'The tokens, without their secrets',
        tags: ['access'],
        security: BEARER,
        response: { 200: TokenList, ...PROBLEMS },
      },
    },
    async () => {
      const tokens = (await allTokens(context.database)).map(tokenOnWire);
      return { schema: 'assay.access-tokens.v1' as const, tokens };
    },
  );
  app.post(
    ROUTES.tokens,
    {
      onRequest: [requireJson],
      config: { rateLimit: RATE },
      schema: {
        summary: 'Make a token; its secret is in this answer and nowhere else',
        tags: ['access'],
        security: BEARER,
        body: TokenRequest,
        response: { 201: TokenReply, ...PROBLEMS },
      },
    },
    async (request, reply) => reply.code(201).send(await createToken(context, principalOf(request), request.body)),
  );
  app.post(
    ROUTES.tokenRevocation,
    {
      onRequest: [requireJson],
      config: { rateLimit: RATE },
      schema: {
        summary: 'Revoke a token, at once and for good',
        tags: ['access'],
        security: BEARER,
        params: z.object({ id: z.string().min(1).max(64) }),
        response: { 200: AccessToken, ...PROBLEMS },
      },
    },
    async (request) => endToken(context, principalOf(request), request.params.id),
  );
}

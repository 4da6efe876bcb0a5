import { ROUTES, SessionEnded, SessionList, WhoAmI } from '@assay/wire';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Principal } from '../../access/tokens.ts';
import type { Context } from '../../context.ts';
import { RequestProblem } from '../../problem.ts';
import type { Provider } from '../../sign-in/provider.ts';
import { beginSession, endSession, sessionOnWire } from '../../sign-in/sessions.ts';
import { sessionsAt } from '../../store/sessions.ts';
import { principalOf } from '../access.ts';
import type { Cookies } from '../cookies.ts';
import { requireJson } from '../guards.ts';
import type { App } from '../instance.ts';
import { BEARER, PROBLEMS } from '../schemas.ts';

/** Per minute and address: people, not programs. */
const RATE = { max: 30, timeWindow: 60_000 };

/** How people sign in; null where no identity provider is set up. */
export type SignIn = { readonly provider: Provider; readonly cookies: Cookies } | null;

export interface SignInRouteOptions {
  readonly signIn: SignIn;
  readonly openReads: boolean;
  /** Who sends a request to a route that is open to everybody; undefined: nobody in particular. */
  readonly identify: (request: FastifyRequest) => Promise<Principal | undefined>;
}

/** People and their sessions. */
export function signInRoutes(app: App, context: Context, options: SignInRouteOptions): void {
  app.get(
    ROUTES.whoAmI,
    {
      schema: {
        summary: 'Who asks, and how one may sign in',
        tags: ['access'],
        response: { 200: WhoAmI, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const principal = await options.identify(request);
      reply.header('cache-control', 'no-store');
      return {
        schema: 'assay.who-am-i.v1' as const,
        principal: principal === undefined ? null : described(principal),
        openReads: options.openReads,
        signIn: options.signIn === null ? null : ROUTES.signIn,
      };
    },
  );
  departure(app, options.signIn);
  arrival(app, context, options.signIn);
  signOut(app, context, options);
  sessionRoutes(app, context);
}

function described({ name, role, session }: Principal): NonNullable<WhoAmI['principal']> {
  return { name, role, by: session === undefined ? 'token' : 'session', expiresAt: session?.expiresAt ?? null };
}

function departure(app: App, signIn: SignIn): void {
  app.get(
    ROUTES.signIn,
    {
      config: { rateLimit: RATE },
      schema: {
        summary: 'Sends a browser to the identity provider',
        tags: ['access'],
        querystring: z.strictObject({ returnTo: z.string().max(1024).default('/') }),
      },
    },
    async ({ query }, reply) => {
      const { provider, cookies } = setUp(signIn);
      const { url, flow } = await provider.begin(cookies.ownPath(query.returnTo));
      cookies.setFlow(reply, flow);
      return reply.header('cache-control', 'no-store').redirect(url, 303);
    },
  );
}

function arrival(app: App, context: Context, signIn: SignIn): void {
  app.get(
    ROUTES.signInCallback,
    {
      config: { rateLimit: RATE },
      schema: { summary: 'Where the identity provider sends a browser back to', tags: ['access'] },
    },
    async (request, reply) => {
      const { provider, cookies } = setUp(signIn);
      const flow = cookies.flow(request);
      cookies.clearFlow(reply);
      reply.header('cache-control', 'no-store');
      try {
        if (flow === undefined) {
          throw new RequestProblem('SIGN-IN-REFUSED', 'This browser has not begun to sign in, or over 10 minutes ago.');
        }
        const identity = await provider.finish(request.url.slice(request.url.indexOf('?')), flow);
        const { secret, expiresAt } = await beginSession(context, identity, provider.settings.sessionHours);
        cookies.setSession(reply, secret, expiresAt);
        return await reply.redirect(cookies.ownPath(flow.returnTo), 303);
      } catch (error) {
        if (error instanceof RequestProblem) return refusalPage(reply, error);
        throw error;
      }
    },
  );
}

/** For people: a browser that comes back shows this. */
function refusalPage(reply: FastifyReply, problem: RequestProblem): FastifyReply {
  const text = escaped(`${problem.message} (${problem.code})`);
  const again = `<p><a href="${ROUTES.signIn}">Sign in again</a></p>`;
  const page = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Not signed in</title><h1>Not signed in</h1><p>${text}</p>${again}</html>`;
  return reply.code(problem.status).type('text/html; charset=utf-8').send(page);
}

function escaped(text: string): string {
  return text.replace(/[^\w .,:;()/@+-]/g, (character) => `&#${character.codePointAt(0) ?? 0xfffd};`);
}

function signOut(app: App, context: Context, { signIn, identify }: SignInRouteOptions): void {
  app.post(
    ROUTES.signOut,
    {
      onRequest: [requireJson],
      config: { rateLimit: RATE },
      schema: {
        summary: 'End the session of this browser',
        tags: ['access'],
        body: z.strictObject({}),
        response: { 200: SessionEnded, ...PROBLEMS },
      },
    },
    async (request, reply) => {
      const { provider, cookies } = setUp(signIn);
      const principal = await identify(request);
      if (principal?.session === undefined) {
        throw new RequestProblem('REQUEST-UNAUTHENTICATED', 'Nobody is signed in with this browser.');
      }
      cookies.clearSession(reply);
      await endSession(context, principal, principal.session.id);
      return { schema: 'assay.session-ended.v1' as const, providerSignOut: await provider.signOutUrl() };
    },
  );
}

function sessionRoutes(app: App, context: Context): void {
  app.get(
    ROUTES.sessions,
    {
      schema: {
        summary: 'People who are signed in',
        tags: ['access'],
        security: BEARER,
        response: { 200: SessionList, ...PROBLEMS },
      },
    },
    async () => {
      const rows = await sessionsAt(context.database, context.now().toISOString());
      return { schema: 'assay.sessions.v1' as const, sessions: rows.map(sessionOnWire) };
    },
  );
  app.post(
    ROUTES.sessionEnd,
    {
      onRequest: [requireJson],
      config: { rateLimit: RATE },
      schema: {
        summary: 'End the session of somebody, at once',
        tags: ['access'],
        security: BEARER,
        params: z.object({ id: z.string().min(1).max(64) }),
        body: z.strictObject({}),
        response: { 200: SessionEnded, ...PROBLEMS },
      },
    },
    async (request) => {
      await endSession(context, principalOf(request), request.params.id);
      return { schema: 'assay.session-ended.v1' as const, providerSignOut: null };
    },
  );
}

function setUp(signIn: SignIn): NonNullable<SignIn> {
  if (signIn === null) throw new RequestProblem('REQUEST-NOT-FOUND', 'This verifier has no identity provider.');
  return signIn;
}

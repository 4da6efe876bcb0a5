import { existsSync } from 'node:fs';
import { join } from 'node:path';
import cookie from '@fastify/cookie';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import swagger from '@fastify/swagger';
import fastify from 'fastify';
import {
  jsonSchemaTransform,
  serializerCompiler,
  validatorCompiler,
  type ZodTypeProvider,
} from 'fastify-type-provider-zod';
import { principals, type BuiltInTokens } from '../access/tokens.ts';
import type { Sink } from '../alerts/index.ts';
import type { Context } from '../context.ts';
import { Metrics } from '../metrics/metrics.ts';
import type { Pulse } from '../metrics/pulse.ts';
import { RequestProblem } from '../problem.ts';
import { serveDashboard } from './dashboard.ts';
import { answerBadHttp, errorHandler } from './errors.ts';
import type { EventStreams } from './events.ts';
import type { RoundQueue } from '../rounds/queue.ts';
import type { App } from './instance.ts';
import { Provider } from '../sign-in/provider.ts';
import { sessionPrincipal } from '../sign-in/sessions.ts';
import type { SignInSettings } from '../sign-in/settings.ts';
import { tlsServer, type TlsOptions } from '../tls/server.ts';
import { guardRoute, identifying } from './access.ts';
import { Cookies } from './cookies.ts';
import { isLoopback, isLoopbackAddress, refuseNul, requireLoopbackName } from './guards.ts';
import { accessRoutes } from './routes/access.ts';
import { agentRoutes } from './routes/agent.ts';
import { alertRoutes } from './routes/alerts.ts';
import { enrolmentRoutes } from './routes/enrolments.ts';
import { fleetRoutes } from './routes/fleet.ts';
import type { PolicyTrust } from '../policies/signers.ts';
import { measuredRoutes } from './routes/measured.ts';
import { operatorRoutes } from './routes/operator.ts';
import { policyRoutes } from './routes/policies.ts';
import { signInRoutes } from './routes/sign-in.ts';
import { resultRoutes, type ResultOptions } from './routes/results.ts';
import { watchRoutes } from './routes/watch.ts';

/** Most bytes of a request body, where the route does not say otherwise. */
const BODY_LIMIT = 64 * 1024;

/** For all of a request to come; Fastify's own default is for ever, and a body could come byte by byte. */
const REQUEST_MILLISECONDS = 300_000;

/** Per address, of the routes that do not say otherwise. */
const REQUEST_RATE = { max: 1200, timeWindow: 60_000 };

export interface AppOptions {
  readonly host: string;
  readonly version: string;
  readonly tokens: BuiltInTokens;
  readonly publicDirectory: string | undefined;
  readonly resultKeys: ResultOptions['keys'];
  readonly policyTrust: PolicyTrust;
  readonly pulse: Pulse;
  readonly rounds: RoundQueue;
  readonly signIn: SignInSettings | undefined;
  /** undefined: plain HTTP. */
  readonly tls: TlsOptions | undefined;
  readonly alertSinks: readonly Sink[];
  /** Addresses of proxies, whose word on where a request comes from is taken. */
  readonly trustedProxies: readonly string[];
}

/** The HTTP service, not listening yet. */
export async function createApp(context: Context, streams: EventStreams, options: AppOptions): Promise<App> {
  const answerError = errorHandler(context.log);
  const app = fastify({
    bodyLimit: BODY_LIMIT,
    requestTimeout: REQUEST_MILLISECONDS,
    clientErrorHandler: answerBadHttp,
    frameworkErrors: answerError,
    ...(options.tls === undefined ? {} : { serverFactory: tlsServer(options.tls) }),
    trustProxy: options.trustedProxies.length === 0 ? false : [...options.trustedProxies],
  }).withTypeProvider<ZodTypeProvider>();
  app.setValidatorCompiler(validatorCompiler);
  app.setSerializerCompiler(serializerCompiler);
  app.removeContentTypeParser('text/plain');
  app.setErrorHandler(answerError);
  app.decorateRequest('agentHost', null);
  app.decorateRequest('principal', null);
  app.decorateRequest('admitAgain', null);
  if (isLoopback(options.host)) app.addHook('onRequest', requireLoopbackName(options.signIn?.publicUrl));
  app.addHook('preValidation', refuseNul);
  await secure(app);
  await describe(app, options.version);
  const cookies = options.signIn && new Cookies(options.signIn.publicUrl);
  const identify = identifying({
    tokenOf: principals(context.database, options.tokens, context.now),
    sessionOf: (secret) => sessionPrincipal(context.database, secret, context.now()),
    cookies,
  });
  // Where people sign in, the loopback is where a proxy stands, too.
  const openReads = isLoopback(options.host) && options.signIn === undefined;
  app.addHook('onRoute', (route) => guardRoute(route, { identify, openReads }));
  watchRoutes(app, context, new Metrics(context, options.pulse), options.pulse);
  fleetRoutes(app, context, { streams, version: options.version, pulse: options.pulse });
  measuredRoutes(app, context);
  operatorRoutes(app, context);
  policyRoutes(app, context, options.policyTrust);
  accessRoutes(app, context);
  const signIn = options.signIn && cookies ? { provider: new Provider(options.signIn), cookies } : null;
  signInRoutes(app, context, { signIn, openReads, identify });
  await agentRoutes(app, context, options.rounds);
  enrolmentRoutes(app, context);
  alertRoutes(app, context, options.alertSinks);
  resultRoutes(app, context, { keys: options.resultKeys });
  await serveDashboard(app, dashboardIn(options.publicDirectory));
  return app;
}

async function secure(app: App): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'none'"],
        frameAncestors: ["'none'"],
      },
    },
    referrerPolicy: { policy: 'no-referrer' },
    // The service speaks plain HTTP on the loopback; a proxy that adds TLS adds this too.
    strictTransportSecurity: false,
  });
  await app.register(cookie);
  await app.register(rateLimit, {
    ...REQUEST_RATE,
    // This machine's own programs; where a proxy stands here, `trustedProxies` tells who is behind it.
    allowList: (request, _key) => request.routeOptions.config.rateLimit === undefined && isLoopbackAddress(request.ip),
    errorResponseBuilder: (_request, { after }) => new RequestProblem('REQUEST-TOO-MANY', `Try again in ${after}.`),
  });
}

async function describe(app: App, version: string): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Assay verifier', description: 'Verifies the evidence of hosts and gives verdicts.', version },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    },
    transform: jsonSchemaTransform,
  });
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
}

/** Where the built page is, or undefined when nothing was built there. */
function dashboardIn(directory: string | undefined): string | undefined {
  return directory !== undefined && existsSync(join(directory, 'index.html')) ? directory : undefined;
}

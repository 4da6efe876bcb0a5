import { ROUTES, type Role } from '@assay/wire';
import type { FastifyRequest, RouteOptions } from 'fastify';
import type { Principal } from '../access/tokens.ts';
import { RequestProblem } from '../problem.ts';
import type { Cookies } from './cookies.ts';
import { bearerToken } from './guards.ts';

/**
 * Who may do what, all of it: `everybody`, a role or one above it, `join` for tokens with which hosts are enrolled, and
 * `host` where the route itself asks for the token of a host's agent. A route that is not here cannot be added.
 */
const ACCESS: Readonly<Record<string, Role | 'everybody' | 'join' | 'host'>> = {
  [`GET ${ROUTES.health}`]: 'everybody',
  [`GET ${ROUTES.ready}`]: 'everybody',
  [`GET ${ROUTES.metrics}`]: 'viewer',
  [`GET ${ROUTES.resultKeys}`]: 'everybody',
  'GET /openapi.json': 'everybody',
  [`GET ${ROUTES.fleet}`]: 'viewer',
  [`GET ${ROUTES.hostLines}`]: 'viewer',
  [`GET ${ROUTES.timeline}`]: 'viewer',
  [`GET ${ROUTES.boot}`]: 'viewer',
  [`GET ${ROUTES.proof}`]: 'viewer',
  [`POST ${ROUTES.labels}`]: 'operator',
  [`GET ${ROUTES.fleetMeasurements}`]: 'viewer',
  [`GET ${ROUTES.hosts}`]: 'viewer',
  [`GET ${ROUTES.host}`]: 'viewer',
  [`GET ${ROUTES.measurements}`]: 'viewer',
  [`GET ${ROUTES.findings}`]: 'viewer',
  [`GET ${ROUTES.digest}`]: 'viewer',
  [`GET ${ROUTES.events}`]: 'viewer',
  [`GET ${ROUTES.result}`]: 'viewer',
  [`GET ${ROUTES.alerts}`]: 'viewer',
  [`GET ${ROUTES.deliveries}`]: 'viewer',
  [`GET ${ROUTES.alertSinks}`]: 'viewer',
  [`POST ${ROUTES.alertSinkTest}`]: 'operator',
  [`POST ${ROUTES.captures}`]: 'operator',
  [`GET ${ROUTES.policies}`]: 'viewer',
  [`GET ${ROUTES.policy}`]: 'viewer',
  [`GET ${ROUTES.policyExcluded}`]: 'viewer',
  [`GET ${ROUTES.policyDiff}`]: 'viewer',
  [`GET ${ROUTES.policySimulation}`]: 'viewer',
  [`POST ${ROUTES.policySimulation}`]: 'operator',
  [`POST ${ROUTES.policyProposals}`]: 'operator',
  [`POST ${ROUTES.policies}`]: 'operator',
  [`GET ${ROUTES.finding}`]: 'viewer',
  [`POST ${ROUTES.findingAcknowledgement}`]: 'operator',
  [`DELETE ${ROUTES.findingAcknowledgement}`]: 'operator',
  [`POST ${ROUTES.findingResolution}`]: 'operator',
  [`POST ${ROUTES.findingApproval}`]: 'operator',
  [`POST ${ROUTES.policyActivation}`]: 'approver',
  [`GET ${ROUTES.tokens}`]: 'admin',
  [`POST ${ROUTES.tokens}`]: 'admin',
  [`POST ${ROUTES.tokenRevocation}`]: 'admin',
  [`GET ${ROUTES.audit}`]: 'admin',
  [`GET ${ROUTES.sessions}`]: 'admin',
  [`POST ${ROUTES.sessionEnd}`]: 'admin',
  [`GET ${ROUTES.whoAmI}`]: 'everybody',
  [`GET ${ROUTES.signIn}`]: 'everybody',
  [`GET ${ROUTES.signInCallback}`]: 'everybody',
  [`POST ${ROUTES.signOut}`]: 'everybody',
  [`GET ${ROUTES.enrolments}`]: 'viewer',
  [`GET ${ROUTES.enrolment}`]: 'viewer',
  [`POST ${ROUTES.enrolmentApproval}`]: 'approver',
  [`POST ${ROUTES.enrolmentRefusal}`]: 'approver',
  [`GET ${ROUTES.registeredKeys}`]: 'viewer',
  [`POST ${ROUTES.registeredKeys}`]: 'approver',
  [`POST ${ROUTES.registeredKeyRemoval}`]: 'approver',
  [`POST ${ROUTES.hostRemoval}`]: 'approver',
  [`POST ${ROUTES.keyRenewal}`]: 'operator',
  [`POST ${ROUTES.enrol}`]: 'join',
  // The identifier of an enrolment is a secret of who began it.
  [`POST ${ROUTES.activate}`]: 'everybody',
  [`POST ${ROUTES.renewKey}`]: 'host',
  [`POST ${ROUTES.certificate}`]: 'host',
  [`POST ${ROUTES.challenge}`]: 'host',
  [`POST ${ROUTES.evidence}`]: 'host',
  [`POST ${ROUTES.listParts}`]: 'host',
  [`GET ${ROUTES.agentResult}`]: 'host',
};

const RANKS: readonly Role[] = ['viewer', 'operator', 'approver', 'admin'];

declare module 'fastify' {
  interface FastifyRequest {
    /** Who sent the request; set where the table of access asks for a role. */
    principal: Principal | null;
    /** Asks once more whether the sender may send it, as the table of access says; null where everybody may. */
    admitAgain: (() => Promise<void>) | null;
  }
}

export interface AccessOptions {
  readonly identify: Identify;
  /** On the loopback, whoever reaches the port may read what a viewer may. */
  readonly openReads: boolean;
}

/** Puts the guard of the table in front of each route under /v1, /healthz and the like. @throws Error for one without a row */
export function guardRoute(route: RouteOptions, options: AccessOptions): void {
  if (route.url === '*' || route.url === '/' || route.url === '/*' || route.url.startsWith('/assets')) return;
  const methods = [route.method].flat().filter((method) => method !== 'OPTIONS');
  for (const method of methods) {
    const who = ACCESS[`${method === 'HEAD' ? 'GET' : method} ${route.url}`];
    if (who === undefined) throw new Error(`${method} ${route.url} is not in the table of access`);
    if (who === 'everybody' || who === 'host' || (who === 'viewer' && options.openReads)) continue;
    const guard = async (request: FastifyRequest): Promise<void> => {
      await admit(request, who, options);
      request.admitAgain = () => admit(request, who, options);
    };
    route.onRequest = [...[route.onRequest ?? []].flat(), guard];
  }
}

/** @returns undefined for a request with neither a bearer token nor the session of a person. @throws RequestProblem */
export type Identify = (request: FastifyRequest) => Promise<Principal | undefined>;

export interface IdentifyOptions {
  readonly tokenOf: (token: string) => Promise<Principal | undefined>;
  readonly sessionOf: (secret: string) => Promise<Principal | undefined>;
  /** undefined: people cannot sign in. */
  readonly cookies: Cookies | undefined;
}

/** Tells who sends a request: a bearer token comes before a session. */
export function identifying({ tokenOf, sessionOf, cookies }: IdentifyOptions): Identify {
  return async (request) => {
    if (request.headers.authorization !== undefined) {
      const principal = await tokenOf(bearerToken(request, 'right token'));
      if (principal !== undefined) return principal;
      throw unauthenticated('The bearer token is none of this verifier, has expired, or was revoked.');
    }
    const secret = cookies?.session(request);
    if (cookies === undefined || secret === undefined) return undefined;
    cookies.requireOwnPage(request);
    return sessionOf(secret);
  };
}

function unauthenticated(detail: string): RequestProblem {
  return new RequestProblem('REQUEST-UNAUTHENTICATED', detail);
}

async function admit(request: FastifyRequest, who: Role | 'join', options: AccessOptions): Promise<void> {
  // A registered endorsement key enrols without a token: enrolment/enrol.ts looks at it.
  if (who === 'join' && request.headers.authorization === undefined) return;
  const wanted = who === 'join' ? 'join token' : `token of the role ${who}`;
  const principal = await options.identify(request);
  if (principal === undefined) throw unauthenticated(`This needs the ${wanted} as a bearer token.`);
  if (!mayAct(principal.role, who)) {
    throw new RequestProblem(
      'REQUEST-FORBIDDEN',
      `${principal.name} has the role ${principal.role}; this needs a ${wanted}.`,
    );
  }
  request.principal = principal;
}

function mayAct(role: Role, who: Role | 'join'): boolean {
  if (who === 'join') return role === 'agent';
  return role !== 'agent' && RANKS.indexOf(role) >= RANKS.indexOf(who);
}

/** Who the table of access let in. */
export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === null) throw new Error('a route asks who sent a request that anybody may send');
  return request.principal;
}

import type { FastifyReply, FastifyRequest } from 'fastify';
import { toHex } from '@assay/core/bytes';
import { RequestProblem } from '../problem.ts';
import { Recent } from '../recent.ts';
import { hostByToken } from '../store/hosts.ts';
import type { Database, HostRow } from '../store/schema.ts';
import { tokenDigest } from '../tokens.ts';

// Guards run before the body is read: who may not send one does not get it parsed.

type Guard = (request: FastifyRequest, reply: FastifyReply) => Promise<void>;

declare module 'fastify' {
  interface FastifyRequest {
    /** The host whose agent sent the request; set by the guard of the agent's routes. */
    agentHost: Pick<HostRow, 'id' | 'token_digest'> | null;
  }
}

const LOOPBACK_NAME = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i;

export function isLoopback(host: string): boolean {
  return host === '::1' || LOOPBACK_NAME.test(host);
}

/** @param address of a peer, which may be an IPv4 address in IPv6's form */
export function isLoopbackAddress(address: string): boolean {
  return isLoopback(address.replace(/^::ffff:/i, ''));
}

/**
 * Refuses requests for a foreign name: a page that made its own name resolve to 127.0.0.1 (DNS rebinding) would
 * otherwise read this machine's answers as its own.
 * @param publicUrl where a proxy on this machine is asked for the verifier
 */
export function requireLoopbackName(publicUrl: string | undefined): Guard {
  const publicName = publicUrl === undefined ? undefined : new URL(publicUrl).host;
  return async (request) => {
    const name = request.headers.host ?? '';
    if (LOOPBACK_NAME.test(name) || name.toLowerCase() === publicName) return;
    throw new RequestProblem('REQUEST-HOST', `The Host header is ${JSON.stringify(name.slice(0, 100))}.`);
  };
}

/** A page of another site cannot send this type without being asked first (CORS). */
export const requireJson: Guard = async (request) => {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json(;|$)/i.test(type)) {
    throw new RequestProblem('REQUEST-MEDIA-TYPE', `The content type is ${JSON.stringify(type.slice(0, 100))}.`);
  }
};

/**
 * Refuses NUL in all that is sent as text: no name, path or sentence has one, and PostgreSQL stores none.
 * @throws RequestProblem REQUEST-INVALID
 */
export const refuseNul: Guard = async ({ params, query, body }) => {
  for (const [part, value] of Object.entries({ params, query, body })) {
    if (holdsNul(value)) throw new RequestProblem('REQUEST-INVALID', `${part}: a text has the character NUL`);
  }
};

/** Without recursion: bodies may be nested as deeply as their length lets them. */
function holdsNul(whole: unknown): boolean {
  const values = [whole];
  while (values.length > 0) {
    const value = values.pop();
    if (typeof value === 'string' && value.includes('\0')) return true;
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) continue;
    for (const [name, member] of Object.entries(value)) values.push(name, member);
  }
  return false;
}

export function requireAgent(database: Database): Guard {
  return async (request) => {
    const host = await hostByToken(database, tokenDigest(bearerToken(request, 'agent token')));
    if (host === undefined) throw refused();
    request.agentHost = host;
  };
}

/** Agents whose host stays in memory. */
const AGENTS_LIMIT = 20_000;

/**
 * The host that a token is or was of, from memory where it was asked before: whoever uses it has to look whether the token
 * still is that host's, which a round does in its transaction.
 */
export function recallAgent(database: Database): Guard {
  const recent = new Recent<Pick<HostRow, 'id' | 'token_digest'>>(AGENTS_LIMIT);
  const ask = requireAgent(database);
  return async (request, reply) => {
    const token = toHex(tokenDigest(bearerToken(request, 'agent token')));
    request.agentHost = recent.get(token) ?? null;
    if (request.agentHost !== null) return;
    await ask(request, reply);
    const { id, token_digest } = agentHostOf(request);
    recent.set(token, { id, token_digest });
  };
}

export function agentHostOf(request: FastifyRequest): Pick<HostRow, 'id' | 'token_digest'> {
  if (request.agentHost === null) throw refused();
  return request.agentHost;
}

/** @param whose the token's name, for the person who lacks it */
export function bearerToken(request: FastifyRequest, whose: string): string {
  const token = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) {
    throw new RequestProblem('REQUEST-UNAUTHENTICATED', `This needs the ${whose} as a bearer token.`);
  }
  return token;
}

function refused(): RequestProblem {
  return new RequestProblem('REQUEST-UNAUTHENTICATED', 'The bearer token is not of an agent of this verifier.');
}

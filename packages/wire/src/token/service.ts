import { DEFAULT_REQUIREMENTS, parseRequirement, unmetRequirements, type Requirement } from '@assay/core/ear';
import { AssayError, SystemError } from '@assay/core/errors';
import { verifyToken, type TokenKeys, type VerifiedResult } from './verify.ts';

export interface TrustOptions {
  readonly keys: TokenKeys;
  /** As `parseRequirement` reads them; default: nothing is said against the host, and all that it ran is known. */
  readonly require?: readonly string[];
  /** Header in which a host shows its result; default `attestation-result`. */
  readonly header?: string;
  readonly now?: () => Date;
}

/** What is needed of a request and a response of node:http, and of whatever is built on them. */
interface Request {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
}
interface Response {
  statusCode: number;
  setHeader(name: string, value: string): unknown;
  end(body: string): unknown;
}

const RESULTS = new WeakMap<Request, VerifiedResult>();

/** The verified result of a request that `requireTrusted` let in. */
export function resultOf(request: Request): VerifiedResult | undefined {
  return RESULTS.get(request);
}

/**
 * Middleware for servers that are built on node:http (Express, Connect, Fastify with @fastify/middie): lets in only hosts
 * that show a result which verifies and meets the requirements. Others get a problem document (RFC 9457): 401 without a
 * result that verifies, 403 where it says too little, 503 when the keys cannot be fetched.
 *
 * A result is a bearer credential: who copies it from a host may show it until it expires. Let it travel over TLS only.
 * @throws TypeError for a requirement that is none
 */
export function requireTrusted(
  options: TrustOptions,
): (request: Request, response: Response, next: (error?: unknown) => void) => Promise<void> {
  const requirements = (options.require ?? DEFAULT_REQUIREMENTS).map(requirementOf);
  const header = (options.header ?? 'attestation-result').toLowerCase();
  return async (request, response, next) => {
    try {
      const refusal = await admit(request, header, options, requirements);
      if (refusal !== undefined) return refuse(response, refusal);
    } catch (error) {
      return next(error);
    }
    next();
  };
}

interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
}

async function admit(
  request: Request,
  header: string,
  { keys, now }: TrustOptions,
  requirements: readonly Requirement[],
): Promise<Refusal | undefined> {
  const token = request.headers[header];
  if (typeof token !== 'string')
    return { status: 401, code: 'TOKEN-FORM', detail: `There is no one header ${header}.` };
  try {
    const result = await verifyToken(token, keys, { now: now?.() ?? new Date() });
    const unmet = unmetRequirements(result, requirements);
    if (unmet.length > 0) {
      const detail = unmet.map(({ requirement, found }) => `${requirement} is required and is ${found}`).join('; ');
      return { status: 403, code: 'TOKEN-REQUIREMENT', detail };
    }
    RESULTS.set(request, result);
    return undefined;
  } catch (error) {
    if (error instanceof SystemError) return { status: 503, code: error.code, detail: error.message };
    if (error instanceof AssayError) return { status: 401, code: error.code, detail: error.message };
    throw error;
  }
}

function refuse(response: Response, { status, code, detail }: Refusal): void {
  response.statusCode = status;
  response.setHeader('content-type', 'application/problem+json');
  response.end(JSON.stringify({ type: 'about:blank', title: 'This host is not let in', status, detail, code }));
}

function requirementOf(text: string): Requirement {
  const requirement = parseRequirement(text);
  if (requirement === undefined) throw new TypeError(`${JSON.stringify(text)} is no requirement`);
  return requirement;
}

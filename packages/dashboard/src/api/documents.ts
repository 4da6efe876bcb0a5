import type { Problem } from '@assay/wire';
import { noteServerTime } from '../state/now.ts';
import { operatorToken } from '../state/operator-token.ts';

/** The verifier answered, and the answer is no. */
export class ApiProblem extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.name = 'ApiProblem';
    this.problem = problem;
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isProblem(value: unknown): value is Problem {
  return isObject(value) && typeof value['title'] === 'string' && typeof value['detail'] === 'string';
}

function unexpected(response: Response, detail: string): ApiProblem {
  const title = 'The verifier sent something that this page does not know';
  return new ApiProblem({ type: 'about:blank', title, status: response.status, detail, code: 'UNEXPECTED' });
}

/** Statuses by which a proxy says that it reaches nobody, or nobody in time. */
const GATEWAY = [502, 503, 504];

/** What came is no word of the verifier: a proxy stands in front of it and answered itself. */
function answeredInFront({ status }: Response): ApiProblem {
  const title = 'Not the verifier answered, but something in front of it';
  const detail = `HTTP ${status} and a page of its own: most likely a proxy that cannot reach the verifier. Look whether the verifier runs.`;
  return new ApiProblem({ type: 'about:blank', title, status, detail, code: 'IN-FRONT' });
}

/** No answer of the verifier, which may come the next time: nobody has to decide anything. */
export const isPassing = (error: Error | null): boolean =>
  error !== null && (!(error instanceof ApiProblem) || error.problem.code === 'IN-FRONT');

/** What had no answer is asked for again after this time. */
export const AGAIN_SECONDS = 5;

/** Milliseconds after which a query is asked again. @param otherwise where it had its answer */
export const againIn =
  (otherwise: number | false) =>
  ({ state }: { readonly state: { readonly error: Error | null } }): number | false =>
    isPassing(state.error) ? AGAIN_SECONDS * 1000 : otherwise;

/** A document of another schema comes from another version of the verifier than the one that served this page. */
function hasSchema<Document extends { schema: string }>(body: unknown, schema: Document['schema']): body is Document {
  return isObject(body) && body['schema'] === schema;
}

/**
 * Sends a request with the token of this tab, if there is one and no other is given: off the loopback the verifier asks for it on every path.
 *
 * @throws {ApiProblem} The verifier refused.
 * @throws {TypeError} The verifier cannot be reached.
 */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  const token = operatorToken();
  if (token !== null && !headers.has('authorization')) headers.set('authorization', `Bearer ${token}`);
  const response = await fetch(path, { ...init, headers, cache: 'no-store' });
  noteServerTime(response.headers.get('date'));
  if (response.ok) return response;
  const body: unknown = await response.json().catch(() => null);
  if (isProblem(body)) throw new ApiProblem(body);
  throw GATEWAY.includes(response.status)
    ? answeredInFront(response)
    : unexpected(response, `HTTP ${response.status}.`);
}

let held: Promise<void> = Promise.resolve();

/**
 * Documents are asked for once this has settled: when the event stream is open first, no change is missed between an answer
 * and the stream, and nothing has to be asked twice.
 */
export function holdDocumentsUntil(settled: Promise<void>): void {
  held = settled;
}

/**
 * Requests one document of the API.
 *
 * @throws {ApiProblem} The verifier refused, or sent another schema than was asked for.
 * @throws {TypeError} The verifier cannot be reached.
 */
export async function requestDocument<Document extends { schema: string }>(
  path: string,
  schema: Document['schema'],
  init: RequestInit = {},
): Promise<Document> {
  await held;
  const response = await request(path, init);
  const body: unknown = await response.json().catch(() => null);
  if (!hasSchema<Document>(body, schema)) throw unexpected(response, `Reload the page. It expected ${schema}.`);
  return body;
}

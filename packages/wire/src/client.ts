import { SystemError } from '@assay/core/errors';
import type { z } from 'zod';
import { Problem } from './hosts.ts';

/** The verifier answered, and its answer is no. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail || problem.title);
    this.problem = problem;
  }
}

const TIME_LIMIT_SECONDS = 30;
/** Over any answer of a verifier: reference values have up to 256 MiB, and as text in JSON some more. */
const ANSWER_LIMIT = 384 * 1024 * 1024;

export interface CallOptions {
  /** Sent as JSON; its presence makes the call a POST. */
  readonly body?: unknown;
  /** Sent as they are, in place of JSON. */
  readonly bytes?: Uint8Array<ArrayBuffer>;
  readonly method?: 'DELETE';
  readonly query?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
  /** Seconds after which there is no answer; default 30. */
  readonly limitSeconds?: number;
}

/** What sends a request: `fetch`, or what does its work with certificates that it does not know of. */
export type Send = (url: URL, init: RequestInit) => Promise<Response>;

/** Calls the verifier's HTTP API; what it answers is checked against its schema before it is used. */
export class ApiClient {
  readonly baseUrl: string;
  readonly #token: string | undefined;
  readonly #transport: Send;
  readonly #answerLimit: number;

  /**
   * @param token bearer token: the operator's, the join token or an agent's; reads on loopback need none.
   * @param answerLimit most bytes of an answer
   */
  constructor(baseUrl: string, token?: string, transport: Send = fetch, answerLimit = ANSWER_LIMIT) {
    this.baseUrl = baseUrl;
    this.#token = token;
    this.#transport = transport;
    this.#answerLimit = answerLimit;
  }

  withToken(token: string): ApiClient {
    return new ApiClient(this.baseUrl, token, this.#transport, this.#answerLimit);
  }

  /**
   * @throws ProblemError when the verifier refuses
   * @throws SystemError VERIFIER-UNREACHABLE when there is no answer, or none of the verifier's
   */
  async call<T>(path: string, schema: z.ZodType<T>, options: CallOptions = {}): Promise<T> {
    const response = await this.#send(path, options);
    const text = await this.#received(textOf(response, this.#answerLimit));
    const document = parseJson(text);
    if (!response.ok) throw this.#refusal(response.status, document);
    const parsed = schema.safeParse(document);
    if (!parsed.success) throw this.#unreachable(`answered ${path} in a form that this version does not know`);
    return parsed.data;
  }

  /** What is no JSON, as it came. @throws as `call` */
  async text(path: string): Promise<string> {
    const response = await this.#send(path, {});
    const text = await this.#received(response.text());
    if (!response.ok) throw this.#refusal(response.status, parseJson(text));
    return text;
  }

  async #send(path: string, options: CallOptions): Promise<Response> {
    const url = URL.parse(path, this.baseUrl);
    if (url === null) throw this.#unreachable('that is no address; an address is like http://127.0.0.1:4620');
    for (const [name, value] of Object.entries(options.query ?? {})) url.searchParams.set(name, value);
    const limit = AbortSignal.timeout(1000 * (options.limitSeconds ?? TIME_LIMIT_SECONDS));
    const signal = options.signal === undefined ? limit : AbortSignal.any([options.signal, limit]);
    const init: RequestInit = { headers: this.#headers(options), redirect: 'error', signal };
    if (options.method !== undefined) init.method = options.method;
    if (options.body !== undefined) Object.assign(init, { method: 'POST', body: JSON.stringify(options.body) });
    if (options.bytes !== undefined) Object.assign(init, { method: 'POST', body: options.bytes });
    const transport = this.#transport;
    return this.#received(transport(url, init));
  }

  #headers(options: CallOptions): Record<string, string> {
    return {
      accept: 'application/json',
      ...(this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }),
      ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(options.bytes === undefined ? {} : { 'content-type': 'application/octet-stream' }),
    };
  }

  async #received<T>(answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      throw this.#unreachable(reason(error, this.baseUrl), error);
    }
  }

  #refusal(status: number, document: unknown): Error {
    const problem = Problem.safeParse(document);
    return problem.success ? new ProblemError(problem.data) : this.#unreachable(`answered with status ${status}`);
  }

  #unreachable(what: string, cause?: unknown): SystemError {
    return new SystemError('VERIFIER-UNREACHABLE', `verifier at ${this.baseUrl}: ${what}`, { cause });
  }
}

/** An answer that never ends takes no more memory than the limit. */
async function textOf({ body }: Response, limit: number): Promise<string> {
  const decoder = new TextDecoder();
  let [text, length] = ['', 0];
  const chunks: AsyncIterable<Uint8Array> | [] = body ?? [];
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > limit) throw new Error(`the answer is longer than ${limit} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** fetch() hides why it failed in the cause of its error. */
function reason(error: unknown, url: string): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return String(cause);
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : '';
  if (NO_TLS.test(`${code} ${cause.message}`)) return 'no TLS is spoken there; is it an address with http://?';
  if (/^http:/i.test(url) && HUNG_UP.test(`${code} ${cause.message}`)) {
    return `${cause.message}; does it listen with TLS, at an address with https://?`;
  }
  return cause.message || cause.name;
}

/** A server of plain HTTP answers in words that are no record of TLS. */
const NO_TLS = /^(?:EPROTO|ERR_SSL_)[^ ]* .*(?:wrong version number|packet length too long|http request)/s;
/** A server of TLS ends a connection that does not begin with it. */
const HUNG_UP = /^(?:UND_ERR_SOCKET|ECONNRESET) /;

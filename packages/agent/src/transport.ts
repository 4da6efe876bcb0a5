import { Agent, request, type AgentOptions } from 'node:https';
import type { IncomingMessage } from 'node:http';
import type { Send } from '@assay/wire';

/** Far over any answer of a verifier to an agent. */
export const ANSWER_LIMIT = 4 * 1024 * 1024;

/** The key and the certificate with which a host shows who it is, in PEM. */
export interface HostCertificate {
  readonly key: string;
  readonly certificate: string;
}

/** Sends over TLS with authorities and a certificate of one's own, which `fetch` cannot be told. */
export class TlsTransport {
  readonly send: Send = (url, init) => this.#request(url, init);
  readonly #authorities: string | undefined;
  #agent: Agent;

  /** @param authorities PEM; undefined: those that Node trusts */
  constructor(authorities: string | undefined) {
    this.#authorities = authorities;
    this.#agent = this.#agentWith({});
  }

  /** From now on, connections show this. Those that are open end. */
  show({ key, certificate }: HostCertificate): void {
    this.#agent.destroy();
    this.#agent = this.#agentWith({ key, cert: certificate });
  }

  close(): void {
    this.#agent.destroy();
  }

  #agentWith(identity: AgentOptions): Agent {
    const ca = this.#authorities === undefined ? {} : { ca: this.#authorities };
    return new Agent({ keepAlive: true, maxSockets: 1, ...ca, ...identity });
  }

  #request(url: URL, { method = 'GET', headers, body, signal }: RequestInit): Promise<Response> {
    const { promise, resolve, reject } = Promise.withResolvers<Response>();
    const options = { method, agent: this.#agent, headers: Object.fromEntries(new Headers(headers)) };
    const sent = request(url, signal ? { ...options, signal } : options, (answer) => {
      received(answer).then((text) => resolve(new Response(text, { status: answer.statusCode ?? 502 })), reject);
    });
    sent.on('error', reject);
    sent.end(body);
    return promise;
  }
}

async function received(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer) {
    const bytes: unknown = chunk;
    if (!(bytes instanceof Buffer)) throw new TypeError('an answer comes as bytes');
    length += bytes.length;
    if (length > ANSWER_LIMIT) throw new Error('the answer is too long');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString();
}

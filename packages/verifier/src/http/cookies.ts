import type { CookieSerializeOptions } from '@fastify/cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { RequestProblem } from '../problem.ts';
import { Flow } from '../sign-in/provider.ts';

const FLOW_SECONDS = 600;

/** The cookies of people who sign in. Over https their names bind them to this very host (RFC 6265bis, section 4.1.3.2). */
export class Cookies {
  readonly #origin: string;
  readonly #secure: boolean;

  constructor(publicUrl: string) {
    this.#origin = new URL(publicUrl).origin;
    this.#secure = this.#origin.startsWith('https:');
  }

  session(request: FastifyRequest): string | undefined {
    return request.cookies[this.#name('session')];
  }

  setSession(reply: FastifyReply, secret: string, expires: Date): void {
    reply.setCookie(this.#name('session'), secret, { ...this.#options('strict'), expires });
  }

  clearSession(reply: FastifyReply): void {
    reply.clearCookie(this.#name('session'), this.#options('strict'));
  }

  /** undefined: the browser did not leave from here, or left long ago. */
  flow(request: FastifyRequest): Flow | undefined {
    const cookie = request.cookies[this.#name('sign-in')];
    if (cookie === undefined) return undefined;
    try {
      return Flow.parse(JSON.parse(Buffer.from(cookie, 'base64url').toString()));
    } catch {
      return undefined;
    }
  }

  /** Lax, since the browser comes back from another site. */
  setFlow(reply: FastifyReply, flow: Flow): void {
    const value = Buffer.from(JSON.stringify(flow)).toString('base64url');
    reply.setCookie(this.#name('sign-in'), value, { ...this.#options('lax'), maxAge: FLOW_SECONDS });
  }

  clearFlow(reply: FastifyReply): void {
    reply.clearCookie(this.#name('sign-in'), this.#options('lax'));
  }

  /**
   * A browser adds cookies to whatever page makes it send a request: what changes something must come from a page of ours.
   * @throws RequestProblem REQUEST-ORIGIN
   */
  requireOwnPage(request: FastifyRequest): void {
    if (request.method === 'GET' || request.method === 'HEAD') return;
    const { origin } = request.headers;
    if (origin === this.#origin) return;
    throw new RequestProblem('REQUEST-ORIGIN', `The Origin header is ${JSON.stringify((origin ?? '').slice(0, 100))}.`);
  }

  /** @returns the address as long as it is one of this very site, else that of the first page */
  ownPath(path: string): string {
    const url = URL.parse(path, this.#origin);
    if (!path.startsWith('/') || url?.origin !== this.#origin) return '/';
    // `/.//host` is a path here, and what is left of it without the dot is another host.
    return url.pathname.startsWith('//') ? '/' : `${url.pathname}${url.search}`;
  }

  #name(use: 'session' | 'sign-in'): string {
    return `${this.#secure ? '__Host-' : ''}assay-${use}`;
  }

  #options(sameSite: 'strict' | 'lax'): CookieSerializeOptions {
    return { path: '/', httpOnly: true, secure: this.#secure, sameSite };
  }
}

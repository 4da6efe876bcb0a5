import { once } from 'node:events';
import { createServer } from 'node:http';
import type { TestContext } from 'node:test';
import OpenIdProvider from 'oidc-provider';

export interface Account {
  readonly email?: string;
  readonly email_verified?: boolean;
  readonly groups?: readonly string[];
}

export const CLIENT = { clientId: 'assay', clientSecret: 'a secret of the tests alone' };

/**
 * A real OpenID provider on the loopback, where whoever types the name of an account is that account.
 * @param redirectUri where it sends browsers back to
 */
export async function identityProvider(
  t: TestContext,
  redirectUri: string,
  accounts: Readonly<Record<string, Account>>,
): Promise<string> {
  const server = createServer((request, response) => void handle(request, response));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close().closeAllConnections());
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it listens on no port');
  const issuer = `http://127.0.0.1:${address.port}`;
  // It warns that it is not set up for the world, which it is not.
  for (const method of ['warn', 'info', 'error'] as const) t.mock.method(console, method, () => undefined);
  const handle = new OpenIdProvider(issuer, {
    clients: [{ client_id: CLIENT.clientId, client_secret: CLIENT.clientSecret, redirect_uris: [redirectUri] }],
    claims: { email: ['email', 'email_verified'], groups: ['groups'] },
    cookies: { keys: ['of the tests'] },
    findAccount: (_context: unknown, id: string) => ({
      accountId: id,
      claims: () => ({ sub: id, ...accounts[id] }),
    }),
  }).callback();
  return issuer;
}

/** A browser as far as signing in needs one: cookies by origin, redirects, and the forms of the provider. */
export class Browser {
  /** What it shows now. */
  page = '';
  readonly #cookies = new Map<string, Map<string, string>>();

  async fetch(address: string, init: RequestInit = {}): Promise<Response> {
    const url = new URL(address);
    const jar = this.#cookies.get(url.host) ?? new Map<string, string>();
    this.#cookies.set(url.host, jar);
    const headers = new Headers(init.headers);
    headers.set('cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '));
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (name === undefined || value === undefined) continue;
      if (value === '') jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  }

  cookie(address: string, name: string): string | undefined {
    return this.#cookies.get(new URL(address).host)?.get(name);
  }

  setCookie(address: string, name: string, value: string): void {
    this.#cookies.get(new URL(address).host)?.set(name, value);
  }

  /** Follows redirects, and fills in the forms of the provider: who somebody is, and whether that may be told. */
  async signIn(address: string, account: string): Promise<Response> {
    let { url, response } = await this.#followed(address);
    for (;;) {
      const [, action] = /<form[^>]+action="([^"]+)"/.exec(this.page) ?? [];
      if (action === undefined) return response;
      const hidden = [...this.page.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)];
      const fields = hidden.map(([, name = '', value = '']): [string, string] => [name, value]);
      const body = new URLSearchParams([...fields, ['login', account], ['password', 'any']]);
      const answer = await this.fetch(new URL(action, url).href, { method: 'POST', body });
      const next = new URL(answer.headers.get('location') ?? '', action).href;
      ({ url, response } = await this.#followed(next));
    }
  }

  async #followed(address: string): Promise<{ url: string; response: Response }> {
    let url = address;
    for (let hops = 0; hops < 20; hops++) {
      const response = await this.fetch(url);
      const next = response.headers.get('location');
      if (next === null) {
        this.page = await response.text();
        return { url, response };
      }
      url = new URL(next, url).href;
    }
    throw new Error(`${address} leads nowhere`);
  }
}

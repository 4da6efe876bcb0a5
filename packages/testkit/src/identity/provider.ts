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

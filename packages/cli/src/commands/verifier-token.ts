import { AccessToken, route, ROUTES, TokenList, TokenReply, TokenRequest } from '@assay/wire';
import { z } from 'zod';
import { operator } from '../connect.ts';
import { EXIT, UsageError } from '../exit.ts';
import { ConnectOptions, optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { ago, colours, shown, table } from '../output/terminal.ts';

const CreateOptions = ConnectOptions.extend({
  name: TokenRequest.shape.name,
  role: TokenRequest.shape.role,
  days: z.int().optional(),
});

const SECONDS_A_DAY = 86_400;

/** `assay verifier token create`: only the secret goes to standard output, so that it can be kept by a shell. */
export async function createToken(given: unknown): Promise<number> {
  const options = optionsFrom(CreateOptions, given);
  const { name, role, days } = options;
  const body: TokenRequest = { name, role, ...(days === undefined ? {} : { lifetimeSeconds: days * SECONDS_A_DAY }) };
  const reply = await (await operator(options)).call(ROUTES.tokens, TokenReply, { body });
  if (options.output === 'json') printJson(reply);
  else {
    process.stdout.write(`${shown(reply.secret)}\n`);
    const ends = reply.token.expiresAt === null ? 'until it is revoked' : `until ${reply.token.expiresAt}`;
    process.stderr.write(`token ${reply.token.id} of ${shown(name)}, ${role}, ${ends}; its secret is shown only now\n`);
  }
  return EXIT.fine;
}

/** `assay verifier token list` */
export async function listTokens(given: unknown): Promise<number> {
  const options = optionsFrom(ConnectOptions, given);
  const list = await (await operator(options)).call(ROUTES.tokens, TokenList);
  if (options.output === 'json') printJson(list);
  else process.stdout.write(list.tokens.length === 0 ? NO_TOKENS : tokenTable(list.tokens));
  return EXIT.fine;
}

const NO_TOKENS = 'No tokens but those of the state directory. `assay verifier token create` makes one.\n';

function tokenTable(tokens: readonly AccessToken[]): string {
  const colour = colours(1);
  const head = ['ID', 'NAME', 'ROLE', 'STATE', 'MADE', 'BY'].map((title) => colour.dim(title));
  const rows = tokens.map((token) => [
    shown(token.id),
    shown(token.name),
    token.role,
    stateOf(token),
    ago(token.createdAt),
    shown(token.createdBy),
  ]);
  return table([head, ...rows]);
}

function stateOf({ expiresAt, revokedAt }: AccessToken): string {
  if (revokedAt !== null) return `revoked ${ago(revokedAt)}`;
  if (expiresAt === null) return 'good until revoked';
  return Date.parse(expiresAt) <= Date.now() ? `expired ${ago(expiresAt)}` : `good until ${expiresAt}`;
}

/** `assay verifier token revoke ID` */
export async function revokeToken(id: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(ConnectOptions, given);
  const name = z.string().parse(id);
  if (!/^[\w-]{1,64}$/.test(name)) throw new UsageError('an id is letters and digits: see `assay verifier token list`');
  const client = await operator(options);
  const token = await client.call(route(ROUTES.tokenRevocation, name), AccessToken, { body: {} });
  if (options.output === 'json') printJson({ schema: 'assay.access-token-revoked.v1', token });
  else process.stdout.write(`token ${shown(token.id)} of ${shown(token.name)} is revoked\n`);
  return EXIT.fine;
}

import { toBase64 } from '@assay/core/bytes';
import { readCertificates } from '../labels/certificates.ts';
import {
  REGISTERED_KEYS_LIMIT,
  RegisteredKeyList,
  route,
  ROUTES,
  type RegisteredKey,
  type RegisterKeysRequest,
} from '@assay/wire';
import { z } from 'zod';
import { operator, reader } from '../connect.ts';
import { EXIT, UsageError } from '../exit.ts';
import { HostNameOption } from '../host-name.ts';
import { ConnectOptions, optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { ago, colours, shown, table } from '../output/terminal.ts';

const RegisterOptions = ConnectOptions.extend({
  name: HostNameOption.optional(),
  note: z.string().max(500, 'is over 500 characters').optional(),
});

const DIGEST = /^sha256:[0-9a-f]{64}$/;

/** `assay enrolments register KEY…` */
export async function registerKeys(given: unknown, options: unknown): Promise<number> {
  const { name, note, ...connect } = optionsFrom(RegisterOptions, options);
  const words = z.array(z.string().min(1)).parse(given);
  const keys = (await Promise.all(words.map(keysOf))).flat();
  if (name !== undefined && keys.length > 1)
    throw new UsageError(`--name is for one key, and these are ${keys.length}`);
  if (keys.length > REGISTERED_KEYS_LIMIT) throw new UsageError(`no more than ${REGISTERED_KEYS_LIMIT} keys at once`);
  const said = { ...(name === undefined ? {} : { name }), ...(note === undefined ? {} : { note }) };
  const body: RegisterKeysRequest = { keys: keys.map((key) => ({ ...key, ...said })) };
  const list = await (await operator(connect)).call(ROUTES.registeredKeys, RegisteredKeyList, { body });
  if (connect.output === 'json') printJson(list);
  else for (const { digest } of list.keys) process.stdout.write(`${digest} is registered${under(name)}\n`);
  return EXIT.fine;
}

function under(name: string | undefined): string {
  return name === undefined ? '' : ` for ${name}`;
}

/** A digest, or the certificates of a file in PEM or DER. */
async function keysOf(word: string): Promise<RegisterKeysRequest['keys']> {
  if (DIGEST.test(word)) return [{ digest: word }];
  return (await readCertificates(word)).map(({ raw }) => ({ certificate: toBase64(raw) }));
}

/** `assay enrolments keys` */
export async function listKeys(given: unknown): Promise<number> {
  const options = optionsFrom(ConnectOptions, given);
  const client = reader(options);
  const keys: RegisteredKey[] = [];
  let query = {};
  for (;;) {
    const page = await client.call(ROUTES.registeredKeys, RegisteredKeyList, { query });
    keys.push(...page.keys);
    if (page.next === null || page.keys.length === 0) break;
    query = { cursor: page.next };
  }
  if (options.output === 'json') printJson({ schema: 'assay.registered-keys.v1', keys, next: null });
  else process.stdout.write(keys.length === 0 ? 'No key is registered.\n' : keyTable(keys));
  return EXIT.fine;
}

function keyTable(keys: readonly RegisteredKey[]): string {
  const colour = colours(1);
  const head = ['KEY', 'FOR', 'REGISTERED', 'NOTE'].map((title) => colour.dim(title));
  const rows = keys.map(({ digest, name, registeredAt, registeredBy, note }) => [
    digest,
    name ?? 'any name',
    `${ago(registeredAt)} by ${shown(registeredBy)}`,
    shown(note ?? ''),
  ]);
  return table([head, ...rows]);
}

/** `assay enrolments unregister DIGEST` */
export async function unregisterKey(digest: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(ConnectOptions, given);
  const key = z.string().parse(digest);
  if (!DIGEST.test(key)) throw new UsageError('a key is named by its digest, sha256:… of 64 digits');
  const path = route(ROUTES.registeredKeyRemoval, key);
  const list = await (await operator(options)).call(path, RegisteredKeyList, { body: {} });
  if (options.output === 'json') printJson(list);
  else process.stdout.write(`${key} is registered no longer\n`);
  return EXIT.fine;
}

import { ResultDocument, route, ROUTES } from '@assay/wire';
import { z } from 'zod';
import { reader } from '../connect.ts';
import { EXIT } from '../exit.ts';
import { ConnectOptions, optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';

const GetOptions = ConnectOptions.extend({
  profile: z.enum(['ietf', 'veraison']),
  nonce: z.string().optional(),
});

/** `assay token get HOST`: the token alone, for a pipe or a file. */
export async function getToken(host: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(GetOptions, given);
  const query = { profile: options.profile, ...(options.nonce === undefined ? {} : { nonce: options.nonce }) };
  const path = route(ROUTES.result, z.string().parse(host));
  const document = await reader(options).call(path, ResultDocument, { query });
  if (options.output === 'json') printJson(document);
  else process.stdout.write(`${document.token}\n`);
  return EXIT.fine;
}

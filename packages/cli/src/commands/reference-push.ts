import { PolicyReply, ROUTES } from '@assay/wire';
import { z } from 'zod';
import { operator } from '../connect.ts';
import { EXIT } from '../exit.ts';
import { ConnectOptions, optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { shown } from '../output/terminal.ts';
import { readReference } from '../reference/files.ts';

/** `assay reference push FILE` */
export async function pushReference(file: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(ConnectOptions, given);
  const { bytes } = await readReference(z.string().parse(file));
  const client = await operator(options);
  const body = { document: new TextDecoder().decode(bytes) };
  const reply = await client.call(ROUTES.policies, PolicyReply, { body });
  if (options.output === 'json') printJson(reply);
  else process.stdout.write(pushedText(reply));
  return EXIT.fine;
}

function pushedText({ policy }: PolicyReply): string {
  const { name, version, digests, signer, inForceSince } = policy;
  const who = signer === null ? 'signed by nobody whom the verifier trusts' : `signed by ${shown(signer)}`;
  const next = inForceSince === null ? `\nnext: assay reference activate ${name} ${version}` : ', in force';
  return `${name} version ${version}: ${digests} digests, ${who}${next}\n`;
}

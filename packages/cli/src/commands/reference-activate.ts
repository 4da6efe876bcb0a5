import { PolicyReply, route, ROUTES, type PolicyActivation } from '@assay/wire';
import { z } from 'zod';
import { operator } from '../connect.ts';
import { EXIT, UsageError } from '../exit.ts';
import { optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { ActivateOptions, versionFrom } from '../reference/options.ts';

/** `assay reference activate NAME VERSION` */
export async function activateReference(name: unknown, version: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(ActivateOptions, given);
  if (options.allHosts && options.host.length > 0) throw new UsageError('give --host or --all-hosts');
  const body: PolicyActivation = { version: versionFrom(version), hosts: options.allHosts ? 'all' : options.host };
  const client = await operator(options);
  const path = route(ROUTES.policyActivation, z.string().parse(name));
  const reply = await client.call(path, PolicyReply, { body });
  if (options.output === 'json') printJson(reply);
  else process.stdout.write(`${reply.policy.name} version ${reply.policy.version} is in force\n`);
  return EXIT.fine;
}

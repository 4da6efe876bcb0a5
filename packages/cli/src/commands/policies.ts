import { PolicyList, PolicySimulation, PolicyText, route, ROUTES } from '@assay/wire';
import { z } from 'zod';
import { reader } from '../connect.ts';
import { EXIT } from '../exit.ts';
import { ConnectOptions, optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { ago, colours, shown, table } from '../output/terminal.ts';
import { writeWhole } from '../reference/files.ts';
import { FetchOptions, SimulatePolicyOptions, versionFrom } from '../reference/options.ts';
import { simulationText } from '../reference/simulation-text.ts';

/** `assay policies get` */
export async function getPolicies(given: unknown): Promise<number> {
  const options = optionsFrom(ConnectOptions, given);
  const list = await reader(options).call(ROUTES.policies, PolicyList);
  if (options.output === 'json') printJson(list);
  else process.stdout.write(listText(list));
  return EXIT.fine;
}

function listText({ policies, hosts }: PolicyList): string {
  if (policies.length === 0) return 'No policies yet. Push one: assay reference push FILE\n';
  const colour = colours(1);
  const head = ['NAME', 'VERSION', 'DIGESTS', 'SIGNER', 'PUSHED', 'STATE'].map((title) => colour.dim(title));
  const rows = policies.map(({ name, version, digests, signer, pushedBy, pushedAt, inForceSince }) => [
    name,
    String(version),
    String(digests),
    shown(signer ?? 'nobody'),
    `${ago(pushedAt)} by ${shown(pushedBy)}`,
    inForceSince === null ? '' : colour.green(`in force on ${hosts[name] ?? 0} hosts, since ${ago(inForceSince)}`),
  ]);
  return table([head, ...rows]);
}

/** `assay policies simulate NAME VERSION` */
export async function simulatePolicyVersion(name: unknown, version: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(SimulatePolicyOptions, given);
  const path = route(ROUTES.policySimulation, z.string().parse(name));
  const query = { version: String(versionFrom(version)) };
  const simulation = await reader(options).call(path, PolicySimulation, { query });
  if (options.output === 'json') printJson(simulation);
  else if (simulation.hosts.length === 0) process.stdout.write('No host has sent evidence yet.\n');
  else process.stdout.write(simulationText(simulation, options.limit));
  return simulation.hosts.every(({ after }) => after === 'trusted') ? EXIT.fine : EXIT.no;
}

/** `assay policies fetch NAME VERSION --out FILE` */
export async function fetchPolicy(name: unknown, version: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(FetchOptions, given);
  const path = route(ROUTES.policy, z.string().parse(name));
  const query = { version: String(versionFrom(version)) };
  const { policy, document } = await reader(options).call(path, PolicyText, { query });
  await writeWhole(options.out, `${document}\n`);
  if (options.output === 'json') printJson({ schema: 'assay.policies-fetch.v1', file: options.out, policy });
  else process.stdout.write(`${shown(options.out)}: ${policy.name} version ${policy.version}, ${policy.digest}\n`);
  return EXIT.fine;
}

import {
  ExcludedList,
  PolicyDiff,
  PolicyList,
  PolicyProposed,
  PolicySimulation,
  PolicyText,
  route,
  ROUTES,
  type PolicyVersion,
} from '@assay/wire';
import { z } from 'zod';
import { operator, reader } from '../connect.ts';
import { EXIT, UsageError } from '../exit.ts';
import { ConnectOptions, optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { ago, colours, shown, table } from '../output/terminal.ts';
import { diffText } from '../reference/diff-text.ts';
import { readReference, writeWhole } from '../reference/files.ts';
import { proposalText } from '../reference/proposal-text.ts';
import { DenyOptions, digestFrom, FetchOptions, SimulatePolicyOptions, versionFrom } from '../reference/options.ts';
import { simulationText } from '../reference/simulation-text.ts';

/** `assay policies get` */
export async function getPolicies(given: unknown): Promise<number> {
  const options = optionsFrom(ConnectOptions, given);
  const list = await reader(options).call(ROUTES.policies, PolicyList);
  if (options.output === 'json') printJson(list);
  else process.stdout.write(listText(list));
  return EXIT.fine;
}

function listText(list: PolicyList): string {
  const { policies, source } = list;
  const from = source === null ? '' : sourceText(source);
  if (policies.length === 0) return from === '' ? 'No policies yet. Push one: assay reference push FILE\n' : from;
  const colour = colours(1);
  const head = ['NAME', 'VERSION', 'DIGESTS', 'SIGNER', 'PUSHED', 'STATE'].map((title) => colour.dim(title));
  return `${table([head, ...policies.map((policy) => rowOf(policy, list))])}${from}`;
}

function rowOf(policy: PolicyVersion, { hosts, managed, judged }: PolicyList): string[] {
  const { name, version, digests, signer, pushedBy, pushedAt, inForceSince, commit } = policy;
  const colour = colours(1);
  const state =
    inForceSince === null ? '' : colour.green(`in force on ${hosts[name] ?? 0} hosts, since ${ago(inForceSince)}`);
  const drift = managed.find((each) => each.name === name && each.version === version)?.drift ?? null;
  const behind = (judged[name] ?? [])
    .filter((each) => each.version !== version)
    .reduce((sum, each) => sum + each.hosts, 0);
  const states = [
    state,
    expiryText(policy),
    inForceSince === null || behind === 0 ? '' : `${behind} hosts to be judged by it`,
    drift === null ? '' : colour.yellow(`drift: ${drift}`),
  ].filter((text) => text !== '');
  const by = commit === null ? shown(pushedBy) : `commit ${shortCommit(commit)}`;
  return [
    name,
    String(version),
    String(digests),
    shown(signer ?? 'nobody'),
    `${ago(pushedAt)} by ${by}`,
    states.join(', '),
  ];
}

const SOON_DAYS = 14;

function expiryText({ validUntil }: PolicyVersion): string {
  if (validUntil === null) return '';
  const days = (Date.parse(validUntil) - Date.now()) / 86_400_000;
  const colour = colours(1);
  if (days < 0) return colour.red(`good until ${validUntil}: over`);
  return days < SOON_DAYS ? colour.yellow(`expires in ${Math.ceil(days)} days`) : `good until ${validUntil}`;
}

function sourceText({ origin, branch, commit, signer, checkedAt, failure }: NonNullable<PolicyList['source']>): string {
  const where = `${shown(origin)}${branch === null ? '' : `, branch ${shown(branch)}`}`;
  const what = commit === null ? 'nothing of it yet' : shortCommit(commit);
  const by = signer === null ? '' : `, signed by ${shown(signer)}`;
  const lines = [`source ${where}: ${what}${by}, looked at ${ago(checkedAt)}\n`];
  if (failure !== null) {
    const text = `${failure.code}: ${shown(failure.message)} (since ${ago(failure.since)}); what is in force stays`;
    lines.push(`  ${colours(1).red('cannot be applied')} ${text}\n`);
  }
  return lines.join('');
}

/** As git shows it; a digest of files keeps its algorithm. */
function shortCommit(commit: string): string {
  return shown(commit).slice(0, commit.startsWith('sha256:') ? 19 : 12);
}

/** `assay policies simulate NAME [VERSION]` */
export async function simulatePolicyVersion(name: unknown, version: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(SimulatePolicyOptions, given);
  const path = route(ROUTES.policySimulation, z.string().parse(name));
  const simulation = await simulated(path, version, options);
  if (options.output === 'json') printJson(simulation);
  else if (simulation.hosts.length === 0) process.stdout.write('No host has sent evidence yet.\n');
  else process.stdout.write(simulationText(simulation, options.limit));
  return simulation.turns.every(({ after }) => after === 'trusted') ? EXIT.fine : EXIT.no;
}

/** Why digests are denied that are only tried. */
const TRIED = 'tried';

/** A version that is stored can be tried by whoever may read; the rest takes a token. */
async function simulated(
  path: string,
  version: unknown,
  options: z.infer<typeof SimulatePolicyOptions>,
): Promise<PolicySimulation> {
  const { candidate, boots, deny } = options;
  if (candidate !== undefined && version !== undefined) throw new UsageError('give a version or --candidate, not both');
  if (version !== undefined && deny.length === 0) {
    const query = { version: String(versionFrom(version)), boots };
    return reader(options).call(path, PolicySimulation, { query, limitSeconds: LIMIT_SECONDS });
  }
  const body = {
    boots,
    ...(candidate === undefined ? {} : { document: await candidateText(candidate) }),
    ...(version === undefined ? {} : { version: versionFrom(version) }),
    ...(deny.length === 0 ? {} : { deny: deny.map((digest) => ({ digest, reason: TRIED })) }),
  };
  return (await operator(options)).call(path, PolicySimulation, { body, limitSeconds: LIMIT_SECONDS });
}

/** Lists of a large fleet take their time. */
const LIMIT_SECONDS = 600;

async function candidateText(file: string): Promise<string> {
  return new TextDecoder().decode((await readReference(file)).reference.canonical);
}

/** `assay policies diff NAME FROM TO` */
export async function diffPolicyVersions(
  name: unknown,
  { from, to }: { readonly from: unknown; readonly to: unknown },
  given: unknown,
): Promise<number> {
  const options = optionsFrom(ConnectOptions, given);
  const path = route(ROUTES.policyDiff, z.string().parse(name));
  const query = { from: String(versionFrom(from)), to: String(versionFrom(to)) };
  const diff = await reader(options).call(path, PolicyDiff, { query });
  if (options.output === 'json') printJson(diff);
  else process.stdout.write(diffText(diff));
  return diff.pools.length + diff.rules.length === 0 ? EXIT.fine : EXIT.no;
}

/** `assay policies deny NAME DIGEST` */
export async function denyDigest(name: unknown, digest: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(DenyOptions, given);
  const path = route(ROUTES.policyProposals, z.string().parse(name));
  const body = { deny: [{ digest: digestFrom(digest), reason: options.reason }] };
  const client = await operator(options);
  const proposed = await client.call(path, PolicyProposed, { body, limitSeconds: LIMIT_SECONDS });
  if (options.output === 'json') printJson(proposed);
  else process.stdout.write(proposalText(proposed, options.limit));
  return EXIT.fine;
}

/** `assay policies excluded NAME` */
export async function excludedByPolicy(name: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(ConnectOptions, given);
  const path = route(ROUTES.policyExcluded, z.string().parse(name));
  const list = await reader(options).call(path, ExcludedList, { limitSeconds: LIMIT_SECONDS });
  if (options.output === 'json') printJson(list);
  else process.stdout.write(excludedText(list));
  return list.entries.length === 0 ? EXIT.fine : EXIT.no;
}

function excludedText({ name, version, entries }: ExcludedList): string {
  if (entries.length === 0) return `No exclude of ${name} version ${version} let anything through.\n`;
  const colour = colours(1);
  const head = ['PATH', 'DIGEST', 'HOSTS', 'EXCLUDE', 'ENDS', 'WHY'].map((title) => colour.dim(title));
  const rows = entries.map((entry) => [
    shown(entry.path),
    entry.digest,
    entry.hosts.length > 2 ? `${entry.hosts.length} hosts` : entry.hosts.map(shown).join(', '),
    shown(entry.pattern),
    entry.expires,
    `${shown(entry.reason)} (${shown(entry.owner)})`,
  ]);
  return table([head, ...rows]);
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

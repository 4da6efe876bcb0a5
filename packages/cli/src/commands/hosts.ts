import { SystemError } from '@assay/core/errors';
import {
  FindingList,
  HostDocument,
  HostLines,
  HostList,
  HostRemoval,
  hostsWanted,
  KeyRenewal,
  labelWords,
  ListSource,
  route,
  ROUTES,
  TpmKind,
  Verdict,
  type ApiClient,
  type Finding,
  type HostDetail,
  type HostFilter,
  type HostSummary,
} from '@assay/wire';
import { z } from 'zod';
import { operator, reader } from '../connect.ts';
import { EXIT, UsageError } from '../exit.ts';
import { ConnectOptions, optionsFrom } from '../options.ts';
import { findingText } from '../output/finding.ts';
import { printJson } from '../output/report.ts';
import { ago, colours, shown, table } from '../output/terminal.ts';

const GetOptions = ConnectOptions.extend({
  verdict: z.array(Verdict).optional(),
  tpm: z.array(TpmKind).optional(),
  list: z.array(ListSource).optional(),
  policy: z.string().optional(),
  code: z.string().optional(),
  label: z.string().optional(),
  text: z.string().optional(),
  minAge: z.number().optional(),
  maxAge: z.number().optional(),
});

/** `assay hosts get [HOST]`: exits with 0 only when every host shown is trusted. */
export async function getHosts(host: unknown, given: unknown): Promise<number> {
  const { output, url, state, text: q, ...rest } = optionsFrom(GetOptions, given);
  const name = z.string().optional().parse(host);
  const filter = { ...rest, q };
  const isFiltered = Object.values(filter).some((value) => value !== undefined);
  if (name !== undefined && isFiltered) throw new UsageError('name a host, or say which hosts, not both');
  const client = reader({ url, state });
  if (name !== undefined) return await show(client, name, output);
  return await list(client, isFiltered ? filter : undefined, output);
}

async function list(client: ApiClient, filter: HostFilter | undefined, output: 'text' | 'json'): Promise<number> {
  const all = await allHosts(client);
  const ids = filter && new Set(hostsWanted(await allLines(client), filter, Date.now()).map(({ id }) => id));
  const hosts = ids === undefined ? all : all.filter(({ id }) => ids.has(id));
  if (output === 'json') printJson({ schema: 'assay.hosts.v1', hosts, next: null });
  else if (hosts.length > 0) process.stdout.write(hostTable(hosts));
  else process.stdout.write(all.length === 0 ? NO_HOSTS : `None of ${all.length} hosts is like that.\n`);
  return hosts.every(({ verdict }) => verdict === 'trusted') ? EXIT.fine : EXIT.no;
}

const NO_HOSTS = 'No hosts yet. `assay up` enrols this machine; on another one its agent does.\n';

const allHosts = (client: ApiClient): Promise<HostSummary[]> =>
  allOf(client, (query) => client.call(ROUTES.hosts, HostList, { query }));

const allLines = (client: ApiClient): Promise<HostLines['hosts']> =>
  allOf(client, (query) => client.call(ROUTES.hostLines, HostLines, { query }));

type Ask<Row> = (query: Record<string, string>) => Promise<{ hosts: Row[]; next: string | null }>;

async function allOf<Row>(client: ApiClient, ask: Ask<Row>): Promise<Row[]> {
  const rows: Row[] = [];
  let query: Record<string, string> = {};
  for (;;) {
    const { hosts, next } = await ask(query);
    if (hosts.length === 0 && next !== null) throw endless(client);
    rows.push(...hosts);
    if (next === null) return rows;
    query = { cursor: next };
  }
}

function endless(client: ApiClient): SystemError {
  return new SystemError(
    'VERIFIER-UNREACHABLE',
    `verifier at ${client.baseUrl}: a page of hosts is empty and not the last`,
  );
}

function hostTable(hosts: readonly HostSummary[]): string {
  const colour = colours(1);
  const rows = hosts.map((host) => [
    host.name,
    verdictText(host.verdict),
    host.evidenceAt === null ? 'never' : ago(host.evidenceAt),
    `${host.tpm.kind}${TRUSTED[host.tpm.trust]}`,
    `${host.list.entries} (${host.list.source})`,
    host.reference === null ? 'none' : `v${host.reference.version}`,
    shown(host.sentence),
  ]);
  const head = ['NAME', 'VERDICT', 'EVIDENCE', 'TPM', 'LIST', 'REFERENCE', 'WHY'].map((title) => colour.dim(title));
  return table([head, ...rows]);
}

const TRUSTED: Readonly<Record<HostSummary['tpm']['trust'], string>> = {
  'ak-certificate': ', certified AK',
  'ek-certificate': ', certified',
  registered: ', registered',
  approved: ', approved',
  'first-use': ', first use',
};

function verdictText(verdict: Verdict): string {
  const colour = colours(1);
  const paint: Readonly<Record<Verdict, (text: string) => string>> = {
    trusted: colour.green,
    warning: colour.yellow,
    failed: colour.red,
    stale: colour.yellow,
    unverified: colour.cyan,
    pending: colour.dim,
  };
  return paint[verdict](verdict);
}

async function show(client: ApiClient, name: string, output: 'text' | 'json'): Promise<number> {
  const { host } = await client.call(route(ROUTES.host, name), HostDocument);
  const { findings } = await client.call(ROUTES.findings, FindingList, { query: { host: host.id, open: 'true' } });
  if (output === 'json') printJson({ schema: 'assay.host.v1', host, findings });
  else process.stdout.write(hostText(host, findings));
  return host.verdict === 'trusted' ? EXIT.fine : EXIT.no;
}

function hostText(host: HostDetail, findings: readonly Finding[]): string {
  const evidence = host.evidenceAt === null ? 'no evidence yet' : `evidence ${ago(host.evidenceAt)}`;
  const rungs = host.ladder.map(({ title, state, sentence }) => [
    `  ${shown(title)}`,
    stateText(state),
    shown(sentence),
  ]);
  return [
    `${host.name}  ${verdictText(host.verdict)}  ${evidence}\n`,
    `${shown(host.sentence)}\n`,
    Object.keys(host.labels).length === 0 ? '' : `labels: ${shown(labelWords(host.labels).join(' '))}\n`,
    '\n',
    table(rungs),
    ...findings.map(findingText),
  ].join('');
}

function stateText(state: HostDetail['ladder'][number]['state']): string {
  const colour = colours(1);
  return { ok: colour.green, warning: colour.yellow, failed: colour.red, waiting: colour.dim }[state](state);
}

/** `assay hosts renew-key HOST` */
export async function renewKey(host: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(ConnectOptions, given);
  const path = route(ROUTES.keyRenewal, z.string().parse(host));
  const renewal = await (await operator(options)).call(path, KeyRenewal, { body: {} });
  if (options.output === 'json') printJson(renewal);
  else process.stdout.write(`${renewal.host.name} is asked for another attestation key with its next evidence\n`);
  return EXIT.fine;
}

/** `assay hosts remove HOST` */
export async function removeHost(host: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(ConnectOptions, given);
  const path = route(ROUTES.hostRemoval, z.string().parse(host));
  const removal = await (await operator(options)).call(path, HostRemoval, { body: {} });
  if (options.output === 'json') printJson(removal);
  else process.stdout.write(`${removal.host.name} (${removal.host.id}) is removed, and all that was known of it\n`);
  return EXIT.fine;
}

import { FindingApproval, FindingList, route, ROUTES, type Finding } from '@assay/wire';
import { z } from 'zod';
import { operator, reader } from '../connect.ts';
import { EXIT, UsageError } from '../exit.ts';
import { ConnectOptions, optionsFrom } from '../options.ts';
import { findingText } from '../output/finding.ts';
import { printJson } from '../output/report.ts';
import { ago, colours, shown, table } from '../output/terminal.ts';
import { FindingsOptions } from '../reference/options.ts';
import { simulationText } from '../reference/simulation-text.ts';

/** Changes that are named after an approval. */
const CHANGES = 10;

/** `assay findings list`: those of one cause in one row. */
export async function listFindings(given: unknown): Promise<number> {
  const options = optionsFrom(FindingsOptions, given);
  const query = {
    limit: String(options.limit),
    ...(options.all ? {} : { open: 'true' }),
    ...(options.host === undefined ? {} : { host: options.host }),
  };
  const list = await reader(options).call(ROUTES.findings, FindingList, { query });
  if (options.output === 'json') printJson(list);
  else process.stdout.write(listText(list, options.all));
  return options.all || list.findings.length === 0 ? EXIT.fine : EXIT.no;
}

function listText({ findings, next }: FindingList, all: boolean): string {
  if (findings.length === 0) return all ? 'There were no findings yet.\n' : 'Nothing is open.\n';
  const colour = colours(1);
  const head = ['ID', 'CODE', 'HOSTS', 'SEEN', 'WHAT'].map((title) => colour.dim(title));
  const causes = Map.groupBy(findings, ({ code, evidence, open }) => `${code} ${evidence.digest} ${open}`);
  const rows = Array.from(causes.values(), (of) => rowOf(of));
  const more = next === null ? '' : 'There are more: --limit, or -o json.\n';
  return `${table([head, ...rows])}${more}`;
}

function rowOf(findings: readonly Finding[]): string[] {
  const [first] = findings;
  if (first === undefined) return [];
  const colour = colours(1);
  const paint = !first.open ? colour.dim : first.severity === 'failed' ? colour.red : colour.yellow;
  const names = [...new Set(findings.map(({ host }) => host.name))];
  const hosts = names.length > 2 ? `${names.length} hosts` : names.join(', ');
  return [first.id, paint(first.code), hosts, ago(first.lastSeen), shown(first.sentence)];
}

/** `assay findings show ID` */
export async function showFinding(id: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(ConnectOptions, given);
  const finding = await findingNamed(findingId(id), options);
  if (options.output === 'json') printJson({ schema: 'assay.finding.v1', finding });
  else {
    const { hosts, firstSeen, lastSeen } = finding.blastRadius;
    const spread = `  on ${hosts} host${hosts === 1 ? '' : 's'} now, first ${ago(firstSeen)}, last ${ago(lastSeen)}\n`;
    const state = finding.open ? '' : '  it is closed\n';
    process.stdout.write(`${finding.host.name}${findingText(finding)}${spread}${state}`);
  }
  return finding.open ? EXIT.no : EXIT.fine;
}

/** The list begins after its cursor, so the one with the next number is asked for. */
async function findingNamed(number: number, options: z.infer<typeof ConnectOptions>): Promise<Finding> {
  const query = { limit: '1', cursor: String(number + 1) };
  const [finding] = (await reader(options).call(ROUTES.findings, FindingList, { query })).findings;
  if (finding?.id === `F-${number}`) return finding;
  throw new UsageError(`there is no finding F-${number}`);
}

/** `assay findings approve ID` */
export async function approveFinding(id: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(ConnectOptions, given);
  const client = await operator(options);
  const path = route(ROUTES.findingApproval, `F-${findingId(id)}`);
  const approval = await client.call(path, FindingApproval, { body: {} });
  if (options.output === 'json') printJson(approval);
  else process.stdout.write(approvalText(approval));
  return EXIT.fine;
}

function approvalText({ policy, simulation }: FindingApproval): string {
  const { name, version } = policy;
  return [
    `${name} version ${version} is proposed; nothing has changed yet.\n`,
    simulationText(simulation, CHANGES),
    `next, by somebody else:\n`,
    `  assay policies fetch ${name} ${version} --out ${name}-${version}.json\n`,
    `  assay reference sign ${name}-${version}.json --key KEY --out ${name}-${version}.signed\n`,
    `  assay reference push ${name}-${version}.signed\n`,
    `  assay reference activate ${name} ${version}\n`,
  ].join('');
}

function findingId(id: unknown): number {
  const [, number] = /^F-([1-9]\d{0,14})$/.exec(z.string().parse(id)) ?? [];
  if (number === undefined) throw new UsageError('a finding is named like F-12; `assay findings list` names them');
  return Number(number);
}

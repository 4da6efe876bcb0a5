import { FindingApproval, FindingDocument, FindingList, route, ROUTES, type Finding } from '@assay/wire';
import { z } from 'zod';
import { operator, reader } from '../connect.ts';
import { EXIT, UsageError } from '../exit.ts';
import { ConnectOptions, optionsFrom } from '../options.ts';
import { findingText } from '../output/finding.ts';
import { printJson } from '../output/report.ts';
import { plural } from '../output/plural.ts';
import { ago, colours, shown, table } from '../output/terminal.ts';
import { AcknowledgeOptions, FindingsOptions, ResolveOptions } from '../reference/options.ts';
import { proposalText } from '../reference/proposal-text.ts';

/** Changes that are named after an approval. */
const CHANGES = 10;

/** `assay findings list`: those of one cause in one row. */
export async function listFindings(given: unknown): Promise<number> {
  const options = optionsFrom(FindingsOptions, given);
  if (options.all && options.closed) throw new UsageError('give --all or --closed, not both');
  if (options.known && options.new) throw new UsageError('give --known or --new, not both');
  const list = await found(options);
  const withClosed = options.all || options.closed;
  if (options.output === 'json') printJson(list);
  else process.stdout.write(listText(list, withClosed));
  return withClosed || list.findings.length === 0 ? EXIT.fine : EXIT.no;
}

/** Reads on until so many are found as are wanted: the verifier does not look for text. */
async function found(options: FindingsOptions): Promise<FindingList> {
  const { limit, all, closed, host, code, known, new: unknown } = options;
  const client = reader(options);
  const findings: Finding[] = [];
  let cursor: { cursor?: string } = {};
  for (;;) {
    const query = {
      limit: String(limit - findings.length),
      ...(all ? {} : { open: String(!closed) }),
      ...(host === undefined ? {} : { host }),
      ...(code === undefined ? {} : { code }),
      ...(known || unknown ? { acknowledged: String(known) } : {}),
      ...cursor,
    };
    const page = await client.call(ROUTES.findings, FindingList, { query });
    findings.push(...page.findings.filter((finding) => isWanted(finding, options)));
    if (page.next === null || findings.length >= limit) return { ...page, findings };
    cursor = { cursor: page.next };
  }
}

function isWanted(finding: Finding, { severity, text }: FindingsOptions): boolean {
  const { code, sentence, evidence, host } = finding;
  if (severity !== undefined && finding.severity !== severity) return false;
  const said = [code, sentence, evidence.digest ?? '', evidence.filenameHint ?? '', host.name];
  const part = text?.trim().toLowerCase() ?? '';
  return said.some((words) => words.toLowerCase().includes(part));
}

function listText({ findings, next }: FindingList, withClosed: boolean): string {
  if (findings.length === 0) return withClosed ? 'There were no findings like that.\n' : 'Nothing is open.\n';
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
  const known = findings.every(({ acknowledgement }) => acknowledgement !== null) ? colour.dim('known: ') : '';
  return [first.id, paint(first.code), hosts, ago(first.lastSeen), `${known}${shown(first.sentence)}`];
}

/** `assay findings show ID` */
export async function showFinding(id: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(ConnectOptions, given);
  const path = route(ROUTES.finding, findingId(id));
  const document = await reader(options).call(path, FindingDocument);
  if (options.output === 'json') printJson(document);
  else process.stdout.write(detailText(document.finding));
  return document.finding.open ? EXIT.no : EXIT.fine;
}

function detailText(finding: Finding): string {
  const { hosts, firstSeen, lastSeen } = finding.blastRadius;
  const spread = `  on ${plural(hosts, 'host')} now, first ${ago(firstSeen)}, last ${ago(lastSeen)}\n`;
  return `${finding.host.name}${findingText(finding)}${spread}${stateText(finding)}`;
}

function stateText({ acknowledgement: known, resolution: end, open }: Finding): string {
  if (end !== null) {
    const how = end.by === null ? 'by itself' : `by ${shown(end.by)}: ${shown(end.reason ?? '')}`;
    return `  it ended ${ago(end.at)} ${how}\n`;
  }
  if (!open) return '  it is closed\n';
  return known === null ? '' : `  ${shown(known.by)} knows of it until ${known.until}: ${shown(known.reason)}\n`;
}

/** How long something is known of where nobody says until when. */
const KNOWN_MILLISECONDS = 30 * 86_400_000;

/** `assay findings acknowledge ID` */
export async function acknowledgeFinding(id: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(AcknowledgeOptions, given);
  const { reason, withdraw, everywhere } = options;
  if (withdraw === (reason !== undefined)) throw new UsageError('give --reason, or --withdraw instead');
  const until = options.until ?? new Date(Date.now() + KNOWN_MILLISECONDS).toISOString();
  const path = route(ROUTES.findingAcknowledgement, findingId(id));
  const client = await operator(options);
  const request = withdraw ? ({ method: 'DELETE' } as const) : { body: { reason, until, everywhere } };
  return printFinding(await client.call(path, FindingDocument, request), options.output);
}

/** `assay findings resolve ID` */
export async function resolveFinding(id: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(ResolveOptions, given);
  const path = route(ROUTES.findingResolution, findingId(id));
  const body = { reason: options.reason };
  return printFinding(await (await operator(options)).call(path, FindingDocument, { body }), options.output);
}

function printFinding(document: FindingDocument, output: 'text' | 'json'): number {
  if (output === 'json') printJson(document);
  else process.stdout.write(detailText(document.finding));
  return EXIT.fine;
}

/** `assay findings approve ID` */
export async function approveFinding(id: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(ConnectOptions, given);
  const client = await operator(options);
  const path = route(ROUTES.findingApproval, findingId(id));
  const approval = await client.call(path, FindingApproval, { body: {} });
  if (options.output === 'json') printJson(approval);
  else process.stdout.write(proposalText(approval, CHANGES));
  return EXIT.fine;
}

function findingId(id: unknown): string {
  const text = z.string().parse(id);
  if (/^F-[1-9]\d{0,14}$/.test(text)) return text;
  throw new UsageError('a finding is named like F-12; `assay findings list` names them');
}

import { EnrolmentDocument, EnrolmentList, EnrolmentState, route, ROUTES, type Enrolment } from '@assay/wire';
import { z } from 'zod';
import { operator, reader } from '../connect.ts';
import { EXIT, UsageError } from '../exit.ts';
import { ConnectOptions, optionsFrom } from '../options.ts';
import { printJson } from '../output/report.ts';
import { ago, colours, shown, table } from '../output/terminal.ts';

const ListOptions = ConnectOptions.extend({ only: z.enum([...EnrolmentState.options, 'all']) });
const DecideOptions = ConnectOptions.extend({ note: z.string().max(500, 'is over 500 characters').optional() });

/** What people read; the JSON of a verifier with more says so in `next`. */
const MOST = '1000';

/** `assay enrolments list`: exits with 0 when none of those shown waits, else 1. */
export async function listEnrolments(given: unknown): Promise<number> {
  const options = optionsFrom(ListOptions, given);
  const query = { limit: MOST, ...(options.only === 'all' ? {} : { state: options.only }) };
  const list = await reader(options).call(ROUTES.enrolments, EnrolmentList, { query });
  if (options.output === 'json') printJson(list);
  else process.stdout.write(list.enrolments.length === 0 ? emptyText(options.only) : enrolmentTable(list.enrolments));
  return list.enrolments.every(({ state }) => state !== 'pending') ? EXIT.fine : EXIT.no;
}

function emptyText(state: string): string {
  if (state === 'pending') return 'No machine waits for a decision.\n';
  return state === 'all' ? 'No machine has waited for a decision yet.\n' : `No machine is ${state}.\n`;
}

function enrolmentTable(enrolments: readonly Enrolment[]): string {
  const colour = colours(1);
  const head = ['ID', 'NAME', 'STATE', 'ASKED', 'TRUST', 'WHY'].map((title) => colour.dim(title));
  const rows = enrolments.map((enrolment) => [
    enrolment.id,
    enrolment.name,
    stateText(enrolment),
    ago(enrolment.lastAskedAt),
    enrolment.trust,
    enrolment.reasons.map(({ code }) => code).join(', '),
  ]);
  return table([head, ...rows]);
}

function stateText({ state, enrolledAt }: Enrolment): string {
  const colour = colours(1);
  if (state === 'pending') return colour.yellow('waits');
  if (state === 'refused') return colour.red('refused');
  return colour.green(enrolledAt === null ? 'approved' : 'enrolled');
}

/** `assay enrolments show ID` */
export async function showEnrolment(id: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(ConnectOptions, given);
  const path = route(ROUTES.enrolment, enrolmentId(id));
  const document = await reader(options).call(path, EnrolmentDocument);
  if (options.output === 'json') printJson(document);
  else process.stdout.write(enrolmentText(document.enrolment));
  return document.enrolment.state === 'pending' ? EXIT.no : EXIT.fine;
}

function enrolmentText(enrolment: Enrolment): string {
  const { id, name, hostId, ekDigest, akName, trust, facts, reasons, askedAt, lastAskedAt } = enrolment;
  const lines = [
    ['asks as', `${name}, would be host ${hostId}`],
    ['asked', `first ${ago(askedAt)}, last ${ago(lastAskedAt)}`],
    ['EK', ekDigest],
    ['AK name', akName],
    ['trust', trust],
    [
      'says',
      `${facts.tpmKind} TPM, list of the ${facts.listSource}, kernel ${facts.kernel}, agent ${facts.agentVersion}`,
    ],
    ...reasons.map(({ code, sentence }) => [code, sentence]),
    ...decisionLines(enrolment),
  ];
  const next = enrolment.state === 'pending' ? `next: assay enrolments approve ${id}, or refuse ${id}\n` : '';
  return `${id}  ${stateText(enrolment)}\n${table(lines.map(([what = '', text = '']) => [`  ${what}`, shown(text)]))}${next}`;
}

function decisionLines({ state, decidedAt, decidedBy, note, enrolledAt }: Enrolment): string[][] {
  if (decidedAt === null) return [];
  const why = note === null ? '' : `: ${note}`;
  return [
    [state, `${ago(decidedAt)} by ${decidedBy ?? 'nobody'}${why}`],
    ...(enrolledAt === null ? [] : [['enrolled', ago(enrolledAt)]]),
  ];
}

/** `assay enrolments approve|refuse ID` */
export async function decide(what: 'approve' | 'refuse', id: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(DecideOptions, given);
  const path = route(what === 'approve' ? ROUTES.enrolmentApproval : ROUTES.enrolmentRefusal, enrolmentId(id));
  const body = options.note === undefined ? {} : { note: options.note };
  const document = await (await operator(options)).call(path, EnrolmentDocument, { body });
  const { enrolment } = document;
  if (options.output === 'json') printJson(document);
  else if (what === 'refuse') process.stdout.write(`${enrolment.id} is refused: ${enrolment.name} stays out\n`);
  else process.stdout.write(`${enrolment.id} is approved: ${enrolment.name} comes when its agent asks again\n`);
  return EXIT.fine;
}

function enrolmentId(id: unknown): string {
  const text = z.string().parse(id);
  if (/^E-[1-9]\d{0,14}$/.test(text)) return text;
  throw new UsageError('an enrolment is named like E-12; `assay enrolments list` names them');
}

import { existsSync } from 'node:fs';
import { loadState, readStatus, type AgentStatus } from '@assay/agent';
import { lockFile } from '@assay/linux/files';
import { agentFiles } from '../agent/options.ts';
import { spoolSentence } from '../agent/spool.ts';
import { EXIT } from '../exit.ts';
import { ConnectOptions, optionsFrom, OutputOptions } from '../options.ts';
import { printJson } from '../output/report.ts';
import { ago, shown, table } from '../output/terminal.ts';

const StatusOptions = OutputOptions.extend({ state: ConnectOptions.shape.state });

/** A round may take as long as the verifier may take to answer. */
const LATE_MILLISECONDS = 30_000;

/** `assay agent status`: exit code 0 where an agent runs, is enrolled, and its newest round was taken in time. */
export async function agentStatus(given: unknown): Promise<number> {
  const options = optionsFrom(StatusOptions, given);
  const files = agentFiles(options.state);
  const enrolment = (await loadState(files.state))?.enrolment ?? null;
  const facts: Facts = {
    directory: files.directory,
    running: isHeld(files.lock),
    hostId: enrolment?.hostId ?? null,
    status: await readStatus(files.status),
    now: new Date(),
  };
  const works = doesWork(facts);
  if (options.output === 'json') printJson(documentOf(facts, works));
  else process.stdout.write(textOf(facts));
  return works ? EXIT.fine : EXIT.no;
}

interface Facts {
  readonly directory: string;
  readonly running: boolean;
  readonly hostId: string | null;
  readonly status: AgentStatus | null;
  readonly now: Date;
}

/** Who holds the lock runs, however the status file was left. */
function isHeld(lock: string): boolean {
  if (!existsSync(lock)) return false;
  const release = lockFile(lock);
  release?.();
  return release === undefined;
}

function doesWork({ running, hostId, status, now }: Facts): boolean {
  if (!running || hostId === null || status === null || status.problem !== null) return false;
  const { round } = status;
  return round !== null && round.verified && !isLate(round.dueAt, now);
}

function isLate(dueAt: string, now: Date): boolean {
  return now.getTime() > Date.parse(dueAt) + LATE_MILLISECONDS;
}

const NOTHING_SAID = {
  name: null,
  verifier: null,
  tpmKind: null,
  listSource: null,
  phase: 'starting',
  since: null,
  round: null,
  problem: null,
  spool: null,
} as const;

function documentOf({ directory, running, hostId, status }: Facts, works: boolean) {
  const { phase, since, ...kept } = status ?? NOTHING_SAID;
  const now = running ? { phase, since } : { phase: 'stopped', since: null };
  return { ...kept, schema: 'assay.agent-status.v1', directory, works, running, ...now, hostId };
}

function textOf({ directory, running, hostId, status, now }: Facts): string {
  if (status === null && hostId === null) return `No agent has worked in ${shown(directory)}.\n`;
  const enrolled = hostId === null ? 'no' : `as host ${hostId}`;
  const lines: [string, string][] = [
    ['agent', running ? `runs, ${status?.phase ?? 'starting'}` : 'does not run'],
    ['enrolled', enrolled],
  ];
  return table(
    [...lines, ...(status === null ? [] : statusLines(status, running, now))].map(([k, v]) => [k, shown(v)]),
  );
}

function statusLines(status: AgentStatus, running: boolean, now: Date): [string, string][] {
  const { name, verifier, round, problem, listSource, tpmKind, spool } = status;
  return [
    ['name', name],
    ['verifier', verifier],
    ['TPM', tpmKind],
    ['list', listSource],
    ...(spool === null ? [] : [['spool', spoolSentence(spool)] as [string, string]]),
    ...(round === null ? [['round', 'none was answered yet'] as [string, string]] : roundLines(round, running, now)),
    ...(problem === null
      ? []
      : ([['problem', `${problem.code}: ${problem.message} (${ago(problem.at, now)})`]] as [string, string][])),
  ];
}

function roundLines(round: NonNullable<AgentStatus['round']>, running: boolean, now: Date): [string, string][] {
  const { at, verified, verdict, sentence, entries, errors, dueAt } = round;
  const taken = verified ? `taken, ${entries} entries` : 'refused';
  const seconds = Math.round((Date.parse(dueAt) - now.getTime()) / 1000);
  const next = seconds >= 0 ? `due in ${seconds} s, sooner if the list grows` : `was due ${-seconds} s ago`;
  return [
    ['round', `${ago(at, now)}, ${taken}`],
    ...errors.map(({ code, message }): [string, string] => ['refused', `${code}: ${message}`]),
    ['verdict', `${verdict}: ${sentence}`],
    ...(running ? [['next', next] as [string, string]] : []),
  ];
}

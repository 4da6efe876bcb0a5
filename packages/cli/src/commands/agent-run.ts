import { startAgent, StatusFile, type AgentPhase } from '@assay/agent';
import type { SpoolState } from '@assay/linux/ima';
import type { Tpm } from '@assay/linux/tpm';
import { z } from 'zod';
import { becomeUser } from '../agent/become-user.ts';
import { AgentCommandOptions, agentFiles, agentOptions } from '../agent/options.ts';
import { spoolSentence } from '../agent/spool.ts';
import { holdState } from '../agent/state.ts';
import { EXIT } from '../exit.ts';
import { optionsFrom } from '../options.ts';
import { jsonText } from '../output/report.ts';
import { shown } from '../output/terminal.ts';
import { withTpm } from '../tpm-options.ts';
import { Console } from '../up/console.ts';
import { stopSignal } from '../up/signals.ts';

const RunOptions = AgentCommandOptions.extend({
  output: z.enum(['text', 'jsonl']),
  user: z.string().min(1, 'names no user').optional(),
});
type RunOptions = z.infer<typeof RunOptions>;

/** `assay agent run`: until a signal ends it in order. */
export async function runAgent(given: unknown): Promise<number> {
  const options = optionsFrom(RunOptions, given);
  if (options.user !== undefined) becomeUser(options.user, options);
  process.umask(0o077); // Keys and tokens are for their owner alone.
  const release = await holdState(options.state);
  try {
    return await withTpm(options.tpm, (tpm) => run(options, tpm));
  } finally {
    release();
  }
}

async function run(options: RunOptions, tpm: Tpm): Promise<number> {
  const signal = stopSignal();
  const agentWith = await agentOptions(options, tpm, (spool) => {
    statusFile.noteSpool(spool);
    tellSpool(spool);
  });
  const { name, verifierUrl, facts } = agentWith;
  const { directory, status } = agentFiles(options.state);
  const statusFile = new StatusFile(status, { name, verifier: verifierUrl, ...facts });
  const tell = options.output === 'text' ? textOutput(name) : linesOutput(name);
  const tellSpool = options.output === 'text' ? spoolText() : spoolLines(name);
  const onPhase = (phase: AgentPhase): void => {
    statusFile.note(phase);
    tell(phase);
  };
  if (options.output === 'text') {
    const out = new Console();
    out.section('agent', [`${name}, to ${verifierUrl}`]);
    out.section('TPM', [tpm.description]);
    out.section('list', [options.list.kind]);
    out.section('state', [directory]);
  }
  const agent = startAgent({ ...agentWith, onPhase });
  await signal;
  await agent.stop();
  await statusFile.close();
  return EXIT.fine;
}

function textOutput(name: string): (phase: AgentPhase) => void {
  const out = new Console();
  return (phase) => out.agent(name, phase);
}

/** Nothing while all is kept that is read. */
function spoolText(): (spool: SpoolState) => void {
  const out = new Console();
  let last: SpoolState['state'] = 'keeping';
  return (spool) => {
    if (spool.state !== 'keeping' || last !== 'keeping') out.log('spool', spoolSentence(spool));
    last = spool.state;
  };
}

function spoolLines(name: string): (spool: SpoolState) => void {
  return (spool) => {
    const line = { schema: 'assay.agent-run.v1', time: new Date().toISOString(), name, phase: 'spool', ...spool };
    process.stdout.write(`${jsonText(line)}\n`);
  };
}

/** A JSON object on each line, one for each phase. */
function linesOutput(name: string): (phase: AgentPhase) => void {
  return (phase) => {
    const line = { schema: 'assay.agent-run.v1', time: new Date().toISOString(), name, ...membersOf(phase) };
    process.stdout.write(`${jsonText(line)}\n`);
  };
}

function membersOf(phase: AgentPhase): object {
  if (phase.phase === 'waiting') {
    const { error, milliseconds } = phase;
    return { phase: 'waiting', code: error.problem.code, message: shown(error.message), milliseconds };
  }
  if (phase.phase === 'retrying' || phase.phase === 'not-renewed') {
    return { phase: phase.phase, message: shown(phase.error.message), milliseconds: phase.milliseconds };
  }
  if (phase.phase !== 'attested') return phase;
  const { verified, verdict, sentence, errors, heartbeatSeconds } = phase.reply;
  return { phase: 'attested', verified, verdict, sentence, errors, heartbeatSeconds };
}

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { addAgent } from './agent-commands.ts';
import { addAlerts } from './alert-commands.ts';
import { action, command, examples, outputOption, stateOption } from './declare.ts';
import { addEngine } from './engine-commands.ts';
import { addEnrolments } from './enrolments-commands.ts';
import { EXIT, exitCodeOf, UsageError } from './exit.ts';
import { addEvm, addFile, addKey, addVerity } from './label-commands.ts';
import { addEvidence } from './evidence-commands.ts';
import { addFleet, addHosts } from './host-commands.ts';
import { addLog } from './log-commands.ts';
import { followOutput } from './output/ends.ts';
import { reportError, type Format } from './output/report.ts';
import { addScan } from './scan-commands.ts';
import { addPolicy } from './policy-commands.ts';
import { addFindings, addPolicies } from './policies-commands.ts';
import { addReference } from './reference-commands.ts';
import { addAudit } from './access-commands.ts';
import { addDemo } from './demo-commands.ts';
import { addDigest } from './digest-commands.ts';
import { addToken } from './token-commands.ts';
import { addEventLog, addQuote, addTpm } from './tpm-commands.ts';
import { addVerifier } from './verifier-commands.ts';

/** @param argv with `node` and the script first */
export async function main(argv: readonly string[]): Promise<void> {
  followOutput();
  // Its options are evmctl's own, --help and --version too.
  if (argv[2] === 'evmctl') {
    const { evmctl } = await import('./evmctl/main.ts');
    process.exitCode = await evmctl(argv.slice(3));
    return;
  }
  try {
    await createProgram().parseAsync(argv);
  } catch (error) {
    const failure = error instanceof CommanderError ? usageErrorOf(error) : error;
    process.exitCode = failure === undefined ? EXIT.fine : exitCodeOf(failure);
    if (failure === undefined || hasShownHelp(error)) return;
    reportError(failure, wantedFormat(argv));
  }
}

/** @returns undefined when the end was asked for, by --help or --version */
function usageErrorOf(error: CommanderError): UsageError | undefined {
  if (error.exitCode === 0) return undefined;
  return new UsageError(error.message.replace(/^error: /, '').replaceAll('\n', ' '));
}

/** A command that only groups others has been called: commander has written its help to stderr. */
function hasShownHelp(error: unknown): boolean {
  return error instanceof CommanderError && error.code === 'commander.help';
}

/** Errors come before or instead of a parsed command, so this looks at the words themselves. */
function wantedFormat(argv: readonly string[]): Format {
  const flag = argv.findIndex((word) => word === '-o' || word === '--output');
  const json = argv.includes('-ojson') || argv.includes('--output=json') || (flag >= 0 && argv[flag + 1] === 'json');
  return json ? 'json' : 'text';
}

/** All commands, as they are declared. */
export function createProgram(): Command {
  const program = new Command('assay')
    .description('File integrity that a machine can prove: measure, attest and verify Linux hosts.')
    .version(packageJson.version)
    .exitOverride()
    .configureOutput({ outputError: () => undefined }) // main() reports errors, in the format that is asked for.
    .configureHelp({ showGlobalOptions: false })
    .addHelpText('after', GENERAL_HELP);
  addUp(program);
  addDemo(program);
  addDoctor(program);
  addFleet(program);
  addHosts(program);
  addEnrolments(program);
  addDigest(program);
  addAgent(program);
  addVerifier(program);
  addAudit(program);
  addLog(program);
  addEvidence(program);
  addPolicy(program);
  addEngine(program);
  addEventLog(program);
  addTpm(program);
  addQuote(program);
  addReference(program);
  addPolicies(program);
  addFindings(program);
  addToken(program);
  addAlerts(program);
  addFile(program);
  addEvm(program);
  addVerity(program);
  addKey(program);
  addScan(program);
  // For the list of commands; main() starts it.
  command(program, 'evmctl', 'Do what evmctl of ima-evm-utils does, with its options and exit codes.');
  return program;
}

const GENERAL_HELP = `
Start here:
  assay doctor                 what this machine can do, and what mends what it cannot
  assay up                     attest this machine: verifier, page, engine and agent
  assay hosts get              the verdicts
  assay reference capture      accept what has run so far as good

Exit codes: 0 fine or trusted, 1 verified and the answer is no, 2 wrong usage, 3 input cannot be read,
4 a peer cannot be reached, 5 not permitted, 130 interrupted.`;

function addUp(program: Command): void {
  const up = command(program, 'up', 'Attest this one machine: verifier, page, engine and agent; Ctrl-C stops it.')
    .option('--port <number>', 'port of the verifier on 127.0.0.1', port, 4620)
    .addOption(stateOption())
    .option('--name <name>', 'name of this host at the verifier (default: its host name)')
    .option('--tpm <which>', 'auto, device[:PATH], swtpm[:SOCKET] or simulated', 'auto')
    .addOption(
      new Option('--list <which>', 'whose measurement list to attest')
        .choices(['auto', 'kernel', 'engine'])
        .default('auto'),
    )
    .option('--watch <dir...>', 'mount points that the engine watches (default: all that can hold programs)')
    .option('--permission', 'let the engine measure programs before they run; needs --watch')
    .option('--fleet', 'a small simulated fleet instead of this machine (what an ordinary user gets)');
  examples(up, [
    'assay up',
    'assay up --port 4700 --state /var/lib/assay',
    'assay up --tpm swtpm --list engine',
    'assay up --fleet',
  ]);
  up.action(action(async (options) => (await import('./commands/up.ts')).up(options)));
}

function addDoctor(program: Command): void {
  const doctor = command(program, 'doctor', 'Say what this host can do, and the line that mends what it cannot.')
    .addOption(outputOption())
    .addOption(stateOption())
    .option('--port <number>', 'port that `assay up` would use', port, 4620);
  examples(doctor, [
    'assay doctor',
    'sudo assay doctor',
    'assay doctor -o json | jq \'.checks[] | select(.state != "ok")\'',
  ]);
  doctor.action(action(async (options) => (await import('./commands/doctor.ts')).doctor(options)));
}

function port(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > 65_535) throw new InvalidArgumentError('A port is a number from 0 to 65535.');
  return number;
}

import { Option, type Command } from 'commander';
import { action, command, examples, group, outputOption } from './declare.ts';

// The declarations of `assay agent`.

const STATE = '/var/lib/assay-agent';

export function addAgent(program: Command): void {
  const agent = group(program, 'agent', 'Proves to a verifier what this host has run.');
  const run = working(command(agent, 'run', 'Enrol if need be, and push evidence; Ctrl-C stops it.'))
    .option('--user <name>', 'goes on as this user, with no privilege but to read the lists; for root')
    .addOption(
      new Option('-o, --output <format>', 'text for people, a JSON object on each line for programs')
        .choices(['text', 'jsonl'])
        .default('text'),
    );
  examples(run, [
    'assay agent run --verifier https://assay.example --join-token-file /etc/assay/join-token',
    'assay agent run --verifier https://assay.example --list engine --name web-03',
  ]);
  run.action(action(async (options) => (await import('./commands/agent-run.ts')).runAgent(options)));
  const enrol = working(command(agent, 'enrol', 'Enrol this host, and send no evidence.'))
    .option('--renew-key', 'with another attestation key; an enrolled host needs no join token')
    .addOption(outputOption());
  examples(enrol, [
    'assay agent enrol --verifier https://assay.example --join-token-file /etc/assay/join-token',
    'assay agent enrol --verifier https://assay.example --list engine -o json | jq -r .hostId',
  ]);
  enrol.action(action(async (options) => (await import('./commands/agent-enrol.ts')).enrolAgent(options)));
  const status = command(agent, 'status', 'Say as whom it is enrolled, how its last round went, and what goes wrong.')
    .addOption(stateOption())
    .addOption(outputOption());
  examples(status, ['assay agent status', 'assay agent status -o json | jq .round.verdict']);
  status.action(action(async (options) => (await import('./commands/agent-status.ts')).agentStatus(options)));
}

function stateOption(): Option {
  return new Option('--state <dir>', 'where its key, its enrolment and its status are').default(STATE);
}

function working(target: Command): Command {
  return target
    .addOption(new Option('--verifier <url>', 'address of the verifier').env('ASSAY_URL').makeOptionMandatory())
    .option('--ca <file>', 'authorities that may vouch for the verifier, PEM (default: those that Node trusts)')
    .option('--join-token-file <file>', 'token that lets a host enrol; else ASSAY_JOIN_TOKEN; not needed afterwards')
    .option('--name <name>', 'name of this host at the verifier (default: its host name)')
    .option('--tpm <which>', 'device[:PATH], swtpm:PATH, swtpm:unix:PATH or swtpm:tcp:HOST:PORT', 'device')
    .addOption(
      new Option(
        '--attestation-key <which>',
        'one of its own, or that which the cloud certified (default: the one that it has, or its own)',
      ).choices(['own', 'gce-ecc', 'gce-rsa', 'azure']),
    )
    .option('--list <which>', 'whose measurement list: kernel[:DIR] or engine[:DIR]', 'kernel')
    .option('--event-log <file>', "boot event log of the firmware, or none (default: the kernel's, with a TPM device)")
    .option('--spool-size <size>', "what the state may keep of a kernel's list that can be trimmed", '64M')
    .addOption(stateOption());
}

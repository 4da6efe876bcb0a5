import { Option, type Command } from 'commander';
import { action, command, connected, examples, group, outputOption } from './declare.ts';

// The declarations of `assay enrolments`.

export function addEnrolments(program: Command): void {
  const enrolments = group(program, 'enrolments', 'Machines that wait to become hosts, and keys that may.');
  const list = connected(command(enrolments, 'list', 'List the machines that wait for a decision.'))
    .addOption(
      new Option('--only <state>', 'those that wait, or were decided about').choices(STATES).default('pending'),
    )
    .addOption(outputOption());
  examples(list, ['assay enrolments list', 'assay enrolments list --only all -o json | jq .enrolments[].name']);
  list.action(action(async (given) => (await import('./commands/enrolments.ts')).listEnrolments(given)));
  const show = connected(command(enrolments, 'show', 'Show one: what speaks for the machine, and what against it.'))
    .argument('<id>', 'such as E-12')
    .addOption(outputOption());
  examples(show, ['assay enrolments show E-12', 'assay enrolments show E-12 -o json | jq -r .enrolment.ekDigest']);
  show.action(action(async (id, given) => (await import('./commands/enrolments.ts')).showEnrolment(id, given)));
  addDecision(
    enrolments,
    'approve',
    'Let a machine in; it becomes a host when it asks the next time, within a minute.',
  );
  addDecision(enrolments, 'refuse', 'Refuse a machine under this name, until somebody approves it.');
  addKeys(enrolments);
}

const STATES = ['pending', 'approved', 'refused', 'all'];

function addDecision(enrolments: Command, name: 'approve' | 'refuse', description: string): void {
  const decision = connected(command(enrolments, name, description))
    .argument('<id>', 'such as E-12')
    .option('--note <text>', 'why; stands in the audit log')
    .addOption(outputOption());
  examples(decision, [`assay enrolments ${name} E-12`, `assay enrolments ${name} E-12 --note 'ticket 4711'`]);
  decision.action(action(async (id, given) => (await import('./commands/enrolments.ts')).decide(name, id, given)));
}

function addKeys(enrolments: Command): void {
  const register = connected(
    command(enrolments, 'register', 'Vouch for endorsement keys: they enrol without a join token and a decision.'),
  )
    .argument('<key...>', 'sha256:… of its public area or its SubjectPublicKeyInfo, or a file with its certificate')
    .option('--name <name>', 'the only name under which it may enrol so; for one key')
    .option('--note <text>', 'where the key comes from')
    .addOption(outputOption());
  examples(register, [
    'assay enrolments register ek.pem --name web-03',
    "assay enrolments register rack-12/*.pem --note 'delivery of 2026-11-02'",
  ]);
  register.action(
    action(async (keys, given) => (await import('./commands/registered-keys.ts')).registerKeys(keys, given)),
  );
  const keys = connected(command(enrolments, 'keys', 'List the registered endorsement keys.')).addOption(
    outputOption(),
  );
  examples(keys, ['assay enrolments keys', 'assay enrolments keys -o json | jq -r .keys[].digest']);
  keys.action(action(async (given) => (await import('./commands/registered-keys.ts')).listKeys(given)));
  const unregister = connected(command(enrolments, 'unregister', 'Vouch for a key no longer; its host stays.'))
    .argument('<digest>', 'as `assay enrolments keys` has it')
    .addOption(outputOption());
  examples(unregister, ['assay enrolments unregister $DIGEST', 'assay enrolments unregister $DIGEST -o json']);
  unregister.action(
    action(async (digest, given) => (await import('./commands/registered-keys.ts')).unregisterKey(digest, given)),
  );
}

import { InvalidArgumentError, Option, type Command } from 'commander';
import { action, command, connected, examples, group, outputOption } from './declare.ts';

/** The tokens of a verifier. */
export function addVerifierToken(verifier: Command): void {
  const token = group(verifier, 'token', 'Tokens of people and programs: what each may do, and until when.');
  const create = connected(command(token, 'create', 'Make a token; its secret is shown once.'))
    .requiredOption('--name <name>', 'who gets it: the name that stands in the audit log')
    .addOption(
      new Option('--role <role>', 'what it may do; each role may do what those before it may, and agent only enrols')
        .choices(['viewer', 'operator', 'approver', 'admin', 'agent'])
        .makeOptionMandatory(),
    )
    .option('--days <number>', 'days that it is good for (default: until it is revoked)', days)
    .addOption(outputOption());
  examples(create, [
    'assay verifier token create --name ci@example.org --role operator --days 90',
    'assay verifier token create --name me --role viewer -o json | jq -r .secret',
  ]);
  create.action(action(async (options) => (await import('./commands/verifier-token.ts')).createToken(options)));
  const list = connected(command(token, 'list', 'List the tokens, without their secrets.')).addOption(outputOption());
  examples(list, ['assay verifier token list', 'assay verifier token list -o json | jq -r .tokens[].name']);
  list.action(action(async (options) => (await import('./commands/verifier-token.ts')).listTokens(options)));
  const revoke = connected(command(token, 'revoke', 'Revoke a token, at once and for good.'))
    .argument('<id>', 'id of the token, from `assay verifier token list`')
    .addOption(outputOption());
  examples(revoke, ['assay verifier token revoke 4f8b2c0d9e1a', 'assay verifier token revoke 4f8b2c0d9e1a -o json']);
  revoke.action(action(async (id, options) => (await import('./commands/verifier-token.ts')).revokeToken(id, options)));
}

/** People who signed in at a verifier. */
export function addVerifierSession(verifier: Command): void {
  const session = group(verifier, 'session', 'People who are signed in, and what each may do.');
  const list = connected(command(session, 'list', 'List who is signed in.')).addOption(outputOption());
  examples(list, ['assay verifier session list', 'assay verifier session list -o json | jq -r .sessions[].name']);
  list.action(action(async (options) => (await import('./commands/verifier-session.ts')).listSessions(options)));
  const end = connected(command(session, 'end', 'End the session of somebody, at once.'))
    .argument('<id>', 'id of the session, from `assay verifier session list`')
    .addOption(outputOption());
  examples(end, [
    'assay verifier session end 4f8b2c0d9e1a4f8b2c0d9e1a',
    'assay verifier session end 4f8b2c0d9e1a4f8b2c0d9e1a -o json',
  ]);
  end.action(action(async (id, options) => (await import('./commands/verifier-session.ts')).endSession(id, options)));
}

export function addAudit(program: Command): void {
  const audit = group(program, 'audit', 'What was done with a verifier, and by whom.');
  const show = connected(command(audit, 'show', 'Print the audit log, the oldest entries first.'))
    .option('--text <text>', 'entries alone that have this in who, what, to what, or the detail')
    .addOption(outputOption());
  examples(show, [
    'assay audit show',
    'assay audit show --text policy.activate',
    'assay audit show -o json | jq \'.entries[] | select(.actor == "me")\'',
  ]);
  show.action(action(async (options) => (await import('./commands/audit.ts')).showAudit(options)));
  const verify = connected(command(audit, 'verify', 'Check that no entry of the log was changed, moved or removed.'))
    .option('--head <file>', 'remember the end of the log in this file, and find that end in it the next time')
    .addOption(outputOption());
  examples(verify, ['assay audit verify', 'assay audit verify --head /mnt/elsewhere/audit-head.json']);
  verify.action(action(async (options) => (await import('./commands/audit.ts')).verifyAudit(options)));
}

function days(value: string): number {
  const parsed = Number(value);
  if (!/^\d{1,4}$/.test(value) || parsed < 1 || parsed > 3660)
    throw new InvalidArgumentError('It is from 1 to 3660 days.');
  return parsed;
}

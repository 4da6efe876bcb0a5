import { InvalidArgumentError, Option, type Command } from 'commander';
import { addVerifierSession, addVerifierToken } from './access-commands.ts';
import { action, collect, command, connected, examples, group, outputOption, stateOption } from './declare.ts';

export function addVerifier(program: Command): void {
  const verifier = group(program, 'verifier', 'The service that verifies evidence and gives verdicts.');
  const status = connected(
    command(verifier, 'status', 'Say whether a verifier is well: in time, with how much on its hands.'),
  ).addOption(outputOption());
  examples(status, ['assay verifier status', 'assay verifier status -o json | jq .lateSeconds']);
  status.action(action(async (options) => (await import('./commands/verifier-status.ts')).showStatus(options)));
  const serve = command(verifier, 'serve', 'Run the verifier and its page; Ctrl-C stops it.')
    .addOption(
      new Option('--store <url>', 'sqlite:FILE or postgres://… (default: verifier.sqlite in the state directory)').env(
        'ASSAY_STORE',
      ),
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--port <number>', 'port to listen on', number, 4620)
    .option('--tls-cert <file>', 'listens with TLS: the certificate of the verifier and those above it, PEM')
    .option('--tls-key <file>', 'the key of that certificate, PEM')
    .option(
      '--tls-name <name>',
      'listens with TLS: a name or address, certified by its own authority; repeatable',
      collect,
    )
    .option('--heartbeat <seconds>', 'how often a host is to send evidence when nothing is new', number, 10)
    .option('--stale-after <seconds>', 'age at which evidence is stale', number, 30)
    .option('--policy-key <file>', 'key by which reference values must be signed, PEM; may be repeated', collect)
    .option('--policy-signatures <number>', 'how many of these keys must have signed', number, 1)
    .option('--policies-from <source>', 'directory or Git repository from which policies come; none gives them back')
    .option('--policies-branch <name>', 'branch of the repository', 'main')
    .option('--policies-signers <file>', 'keys by which commits must be signed: allowed signers of ssh-keygen(1)')
    .option('--policies-every <seconds>', 'how often the source is looked at', number, 60)
    .option('--ek-roots <dir>', 'authorities that may vouch for TPMs, beside the known makers: PEM files')
    .option('--ak-roots <dir>', 'authorities that may vouch for attestation keys, such as those of clouds: PEM files')
    .addOption(
      new Option(
        '--approve-enrolments <which>',
        'machines that wait for a decision: those for which nobody vouches, or all',
      )
        .choices(['none', 'first-use', 'all'])
        .default('none'),
    )
    .option(
      '--renew-keys-after <days>',
      'age at which hosts are asked for another attestation key (default: never)',
      number,
    )
    .option('--sign-in <file>', 'how people sign in: a file of an OpenID Connect provider and of roles')
    .option('--trusted-proxy <address>', 'proxy whose word on where requests come from is taken; repeatable', collect)
    .option('--alerts <file>', 'where alerts go: a file of webhooks and syslog receivers')
    .addOption(stateOption());
  examples(serve, [
    'assay verifier serve',
    'assay verifier serve --store sqlite:/var/lib/assay/verifier.sqlite --state /var/lib/assay',
    'assay verifier serve --store postgres://assay@db.example/assay --host 10.0.0.5',
  ]);
  serve.action(action(async (options) => (await import('./commands/verifier-serve.ts')).serve(options)));
  addVerifierToken(verifier);
  addVerifierSession(verifier);
}

function number(value: string): number {
  const parsed = Number(value);
  if (!/^\d{1,6}$/.test(value)) throw new InvalidArgumentError('It is a whole number.');
  return parsed;
}

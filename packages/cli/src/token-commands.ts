import { Option, type Command } from 'commander';
import { action, collect, command, connected, examples, group, outputOption } from './declare.ts';

export function addToken(program: Command): void {
  const token = group(
    program,
    'token',
    'Attestation results: what a verifier says of a host, signed for others to read.',
  );
  addGet(token);
  addVerify(token);
  addShow(token);
}

function addGet(token: Command): void {
  const get = connected(command(token, 'get', 'Fetch a signed result of a host.'))
    .argument('<host>', 'name or id of the host')
    .addOption(
      new Option('--profile <which>', 'names of the claims: of the IETF draft, or those that Veraison reads')
        .choices(['ietf', 'veraison'])
        .default('ietf'),
    )
    .option('--nonce <text>', 'base64url of 8 to 64 bytes that the result has to carry')
    .addOption(outputOption());
  examples(get, ['assay token get web-01', 'assay token get web-01 | assay token show -']);
  get.action(action(async (host, options) => (await import('./commands/token-get.ts')).getToken(host, options)));
}

function addVerify(token: Command): void {
  const verify = command(token, 'verify', 'Check a result: signature, time, nonce, and whether it says enough.')
    .argument('<file>', 'the token; - for standard input')
    .requiredOption('--keys <file|url>', "the verifier's keys: a JWK set, or the address of its /.well-known/jwks.json")
    .option('--require <what>', 'status=TIER, CLAIM=TIER or CLAIM<=VALUE, each with SUBMOD/ in front or not', collect)
    .option('--nonce <text>', 'what it has to carry')
    .addOption(outputOption());
  examples(verify, [
    'assay token verify result.jwt --keys jwks.json',
    "assay token verify result.jwt --keys jwks.json --require 'executables<=3'",
  ]);
  verify.action(
    action(async (file, options) => (await import('./commands/token-verify.ts')).verifyFile(file, options)),
  );
}

function addShow(token: Command): void {
  const show = command(token, 'show', 'Say what is in a result, without asking who signed it.')
    .argument('<file>', 'the token; - for standard input')
    .addOption(outputOption());
  examples(show, ['assay token show result.jwt', "assay token show result.jwt -o json | jq '.result.submods'"]);
  show.action(action(async (file, options) => (await import('./commands/token-show.ts')).showFile(file, options)));
}

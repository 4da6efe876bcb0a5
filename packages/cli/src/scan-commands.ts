import type { Command } from 'commander';
import { action, collect, command, examples, group, outputOption } from './declare.ts';

// The declarations of `assay scan`.

export function addScan(program: Command): void {
  const scan = group(program, 'scan', 'Baselines of trees: what was there, signed, and what has changed since.');
  const create = signing(command(scan, 'create', 'Write a baseline: all that is in the trees, with digests.'))
    .argument('<dirs...>', 'directories with all that is in them')
    .requiredOption('--out <file>', 'the baseline; is replaced as a whole where it exists')
    .option('--include <pattern>', 'only what matches, and directories; may be repeated', collect)
    .option('--exclude <pattern>', 'leave out files and directories that match; may be repeated', collect)
    .option('-x, --one-file-system', 'stay on the file systems of the directories')
    .option('--algorithm <name>', 'digest algorithm, such as sha256 or sha512', 'sha256')
    .option('--threads <number>', 'threads that work (default: one for each processor)')
    .addOption(outputOption());
  examples(create, [
    'sudo assay scan create / -x --out baseline --key scan.pem --exclude /var',
    'sudo assay scan create /usr /etc --out baseline',
  ]);
  create.action(action(async (dirs, given) => (await import('./commands/scan-create.ts')).createBaseline(dirs, given)));
  addCheck(scan);
  const show = verifying(command(scan, 'show', 'Say what a baseline holds, and who signed it.'))
    .argument('<file>', 'a baseline')
    .addOption(outputOption());
  examples(show, ['assay scan show baseline --cert scan.der', 'assay scan show baseline -o json | jq .roots']);
  show.action(action(async (file, given) => (await import('./commands/scan-show.ts')).showBaseline(file, given)));
  const diff = drift(verifying(command(scan, 'diff', 'Say what differs between two baselines.')))
    .argument('<a>', 'the older baseline')
    .argument('<b>', 'the newer one');
  examples(diff, ['assay scan diff monday tuesday', 'assay scan diff golden host -o jsonl']);
  diff.action(action(async (a, b, given) => (await import('./commands/scan-diff.ts')).diffBaselines(a, b, given)));
}

function addCheck(scan: Command): void {
  const check = drift(verifying(command(scan, 'check', 'Compare trees with their baseline, and say what changed why.')))
    .argument('<file>', 'a baseline')
    .option('--fast', 'read only files whose inode, size, mtime or ctime changed (see the manual for what that misses)')
    .option('--package-root <dir>', 'root of the system whose packages explain changes', '/')
    .option('--threads <number>', 'threads that work (default: one for each processor)');
  examples(check, [
    'sudo assay scan check baseline --cert scan.der',
    'sudo assay scan check baseline --fast',
    'sudo assay scan check baseline -o jsonl | jq -r \'select(.severity == "critical").path\'',
  ]);
  check.action(action(async (file, given) => (await import('./commands/scan-check.ts')).checkBaseline(file, given)));
  const accept = signing(
    verifying(command(scan, 'accept', 'Write a new baseline with what packages explain taken over.')),
  )
    .argument('<file>', 'a baseline')
    .requiredOption('--out <file>', 'the new baseline; is replaced as a whole where it exists')
    .option('--path <pattern>', 'take over what matches, too, explained or not; may be repeated', collect)
    .option('--package-root <dir>', 'root of the system whose packages explain changes', '/')
    .option('--threads <number>', 'threads that work (default: one for each processor)')
    .addOption(outputOption());
  examples(accept, [
    'sudo assay scan accept baseline --public-key scan.pub --out baseline.new --key scan.pem',
    "sudo assay scan accept baseline --out baseline --path '/etc/**'",
  ]);
  accept.action(action(async (file, given) => (await import('./commands/scan-accept.ts')).acceptDrift(file, given)));
}

function signing(target: Command): Command {
  return target
    .option('--key <key>', 'private key that signs it: a PEM file or a PKCS#11 URI')
    .option('--signer <program>', 'program that signs, instead: called with hash and digest, writes the signature')
    .option('--signer-cert <file>', 'certificate of that key, DER or PEM; a program needs it')
    .option(
      '--passphrase-from <source>',
      'passphrase or PIN: env:NAME, file:PATH or fd:NUMBER (else ASSAY_KEY_PASSPHRASE, else asked)',
    );
}

function verifying(target: Command): Command {
  return target
    .option('--cert <file>', 'certificate of a signer, DER or PEM; may be repeated', collect)
    .option('--public-key <file>', 'public key of a signer, PEM; may be repeated', collect);
}

function drift(target: Command): Command {
  return target
    .option('--times', 'count a change of the time of modification alone')
    .option('--limit <number>', 'differences that are named as text', '100')
    .addOption(outputOption(['text', 'json', 'jsonl']));
}

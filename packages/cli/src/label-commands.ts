import { Option, type Command } from 'commander';
import { action, collect, command, examples, group, outputOption } from './declare.ts';
import { addKeyEvm } from './key-evm-commands.ts';

// The declarations of `assay file`, `assay evm`, `assay verity` and `assay key`.

const PATHS = 'files, or directories with all that is in them';

export function addFile(program: Command): void {
  const file = group(program, 'file', 'Labels in security.ima: digests and signatures of files.');
  const hash = writing(overTree(command(file, 'hash', 'Write the digest of each file into security.ima.')))
    .addOption(algorithmOption('digest'))
    .option('--replace', 'replace signatures too, which else stay');
  examples(hash, ['sudo assay file hash /usr/bin', 'assay file hash --dry-run --algorithm sha512 DIR -o json']);
  hash.action(action(async (paths, given) => (await import('./commands/file-hash.ts')).hashFiles(paths, given)));
  const sign = signing(writing(overTree(command(file, 'sign', 'Sign each file; the signature goes to security.ima.'))))
    .option('--verity', 'sign the fs-verity digest instead: type 6, version 3')
    .option('--modsig', 'append the signature to the files themselves, as to kernel modules; needs --cert')
    .addOption(blockSizeOption())
    .option('--salt <hex>', 'salt of fs-verity, where it is not enabled yet');
  examples(sign, [
    'sudo assay file sign --key ima.pem /usr/bin',
    "sudo assay file sign --key 'pkcs11:token=ima' --cert ima.der --passphrase-from fd:3 DIR 3<pin",
    'sudo assay file sign --signer ./ask-hsm --cert ima.der --one-file-system /',
  ]);
  sign.action(action(async (paths, given) => (await import('./commands/file-sign.ts')).signFiles(paths, given)));
  const verify = certificates(
    overTree(command(file, 'verify', 'Compare each file with its label; signatures with certificates.')),
  )
    .addOption(blockSizeOption())
    .option('--salt <hex>', 'salt of fs-verity, where it is not enabled');
  examples(verify, ['assay file verify --cert ima.der /usr/bin', 'assay file verify DIR -o json | jq .summary']);
  verify.action(action(async (paths, given) => (await import('./commands/file-verify.ts')).verifyFiles(paths, given)));
  const show = command(file, 'show', 'Print what the labels of files say; nothing is verified.')
    .argument('<paths...>', 'files')
    .addOption(outputOption());
  examples(show, ['assay file show /usr/bin/ls', 'assay file show FILE -o json | jq .files[0].ima']);
  show.action(action(async (paths, given) => (await import('./commands/file-show.ts')).showFiles(paths, given)));
}

export function addEvm(program: Command): void {
  const evm = group(program, 'evm', 'Labels in security.evm: HMACs and signatures of metadata.');
  const hmac = bound(writing(overTree(command(evm, 'hmac', 'Write the HMAC that the kernel would write.'))))
    .requiredOption('--evm-key <file>', 'the EVM key: its bytes, or the text of an encrypted key')
    .option('--master-key <file>', 'payload of the master key of an encrypted key');
  examples(hmac, [
    'sudo assay evm hmac --evm-key evm.key /mnt/image',
    'sudo assay evm hmac --evm-key evm.blob --master-key kmk --uuid UUID DIR',
  ]);
  hmac.action(action(async (paths, given) => (await import('./commands/evm-hmac.ts')).hmacFiles(paths, given)));
  const sign = bound(
    signing(writing(overTree(command(evm, 'sign', 'Sign the metadata of each file; it goes to security.evm.')))),
  ).option('--portable', 'bind to no inode and file system: for archives and packages; needs security.ima');
  examples(sign, [
    'sudo assay evm sign --portable --key evm.pem DIR',
    'sudo assay evm sign --key evm.pem --uuid UUID /mnt/image',
  ]);
  sign.action(action(async (paths, given) => (await import('./commands/evm-sign.ts')).signMetadata(paths, given)));
  const verify = bound(
    certificates(overTree(command(evm, 'verify', 'Compare the metadata of each file with security.evm.'))),
  )
    .option('--evm-key <file>', 'the EVM key: its bytes, or the text of an encrypted key')
    .option('--master-key <file>', 'payload of the master key of an encrypted key');
  examples(verify, ['assay evm verify --cert evm.der DIR', 'sudo assay evm verify --evm-key evm.key /mnt/image']);
  verify.action(
    action(async (paths, given) => (await import('./commands/evm-verify.ts')).verifyMetadata(paths, given)),
  );
}

export function addVerity(program: Command): void {
  const verity = group(program, 'verity', 'fs-verity: files that can never change again.');
  const digest = parameters(overTree(command(verity, 'digest', 'Compute the fs-verity digest of each file.')));
  examples(digest, ['assay verity digest FILE', 'assay verity digest --algorithm sha512 --block-size 1024 DIR']);
  digest.action(action(async (paths, given) => (await import('./commands/verity.ts')).computeDigests(paths, given)));
  const enable = parameters(writing(overTree(command(verity, 'enable', 'Enable fs-verity on each file, for good.'))));
  examples(enable, ['sudo assay verity enable /usr/bin', 'assay verity enable --dry-run DIR']);
  enable.action(action(async (paths, given) => (await import('./commands/verity.ts')).enableFiles(paths, given)));
}

export function addKey(program: Command): void {
  const key = group(program, 'key', 'Keys that sign labels, EVM keys, and the keyrings of the kernel.');
  const generate = command(key, 'generate', 'Make a signing key with its certificate, or an EVM key.')
    .requiredOption('--out <file>', 'the private key (PEM) or the text of the EVM key; must not exist')
    .addOption(
      new Option('--type <type>', 'kind of key')
        .choices(['rsa2048', 'rsa3072', 'rsa4096', 'p256', 'p384', 'p521', 'evm'])
        .default('rsa3072'),
    )
    .option('--cert <file>', 'the certificate (DER); must not exist')
    .option('--name <name>', 'common name of the certificate', 'IMA signing key')
    .option('--days <number>', 'how long the certificate is valid', '3650')
    .option('--passphrase-from <source>', 'encrypt the private key: env:NAME, file:PATH or fd:NUMBER')
    .option('--issuer <file>', 'certificate of the authority that signs it (default: self-signed)')
    .option('--issuer-key <file>', 'its private key (PEM)')
    .option('--master <name>', 'name of the master key of an EVM key, such as user:kmk', 'user:kmk')
    .option('--master-key <file>', 'its payload; made where it does not exist')
    .addOption(outputOption());
  examples(generate, [
    'assay key generate --out ima.pem --cert ima.der',
    'assay key generate --type evm --out evm.blob --master-key kmk',
    'assay key generate --out ima.pem --cert ima.der --issuer ca.der --issuer-key ca.pem',
  ]);
  generate.action(action(async (given) => (await import('./commands/key-generate.ts')).generateKey(given)));
  const load = command(key, 'import', 'Put a certificate into a keyring of the kernel.')
    .argument('<cert>', 'certificate, DER or PEM')
    .addOption(new Option('--keyring <keyring>', 'where to').choices(['.ima', '_ima', '.evm', '_evm']).default('.ima'))
    .addOption(outputOption());
  examples(load, ['sudo assay key import ima.der', 'sudo assay key import evm.der --keyring .evm']);
  load.action(action(async (path, given) => (await import('./commands/key-import.ts')).importKey(path, given)));
  addKeyEvm(key);
  const list = command(key, 'list', 'List the keys of the kernel that check labels.')
    .option('--cert <file>', 'certificate, DER or PEM, whose name and end are shown; may be repeated', collect)
    .addOption(outputOption());
  examples(list, [
    'sudo assay key list',
    'sudo assay key list --cert /etc/keys/x509_ima.der',
    'assay key list -o json | jq .keyrings',
  ]);
  list.action(action(async (given) => (await import('./commands/key-list.ts')).listKeys(given)));
}

function overTree(target: Command): Command {
  return target
    .argument('<paths...>', PATHS)
    .option('--include <pattern>', 'only files that match; may be repeated', collect)
    .option('--exclude <pattern>', 'leave out files and directories that match; may be repeated', collect)
    .option('-x, --one-file-system', 'stay on the file systems of the paths')
    .option('--threads <number>', 'threads that work (default: one for each processor)')
    .option('-v, --verbose', 'a line for each file, not only for those that need attention')
    .addOption(outputOption());
}

function writing(target: Command): Command {
  return target.option('-n, --dry-run', 'say what would be written, and write nothing');
}

function signing(target: Command): Command {
  return target
    .option('--key <key>', 'private key: a PEM file or a PKCS#11 URI')
    .option('--signer <program>', 'program that signs, instead: called with hash and digest, writes the signature')
    .option(
      '--passphrase-from <source>',
      'passphrase or PIN: env:NAME, file:PATH or fd:NUMBER (else ASSAY_KEY_PASSPHRASE, else asked)',
    )
    .option('--cert <file>', 'certificate of the key, DER or PEM: for its key id, and to check what is signed')
    .option('--keyid <hex>', 'key id to write into the labels')
    .addOption(algorithmOption('hash'))
    .addOption(
      new Option('--sig-version <number>', 'form of the signature; 3 needs Linux 7.1').choices(['2', '3']).default('2'),
    );
}

function certificates(target: Command): Command {
  return target.option('--cert <file>', 'certificate of a signer, DER or PEM; may be repeated', collect);
}

function bound(target: Command): Command {
  return target
    .option('--uuid <uuid>', 'UUID of the file system; none for kernels that leave it out (default: its own)')
    .addOption(
      new Option('--word-bits <number>', 'of the kernel that will check it').choices(['32', '64']).default('64'),
    )
    .option('--xattrs <names>', 'attributes that this kernel protects, in its order, with commas');
}

function parameters(target: Command): Command {
  return target
    .addOption(new Option('--algorithm <name>', 'hash of fs-verity').choices(['sha256', 'sha512']).default('sha256'))
    .addOption(blockSizeOption())
    .option('--salt <hex>', 'at most 32 bytes');
}

function blockSizeOption(): Option {
  return new Option('--block-size <bytes>', 'block size of fs-verity').default('4096');
}

function algorithmOption(what: string): Option {
  return new Option('--algorithm <name>', `${what} algorithm, such as sha1, sha256, sha512, sm3`).default('sha256');
}

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import packageJson from '../package.json' with { type: 'json' };
import { DEFAULT_STATE, DEFAULT_URL } from './connect.ts';
import { action, collect, command, examples, group, outputOption } from './declare.ts';
import { EXIT, exitCodeOf, UsageError } from './exit.ts';
import { addEvm, addFile, addKey, addVerity } from './label-commands.ts';
import { followOutput } from './output/ends.ts';
import { reportError, type Format } from './output/report.ts';
import { AK_NAMES, EK_NAMES } from './tpm-key-names.ts';

/** @param argv with `node` and the script first */
export async function main(argv: readonly string[]): Promise<void> {
  followOutput();
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

function createProgram(): Command {
  const program = new Command('assay')
    .description('File integrity that a machine can prove: measure, attest and verify Linux hosts.')
    .version(packageJson.version)
    .exitOverride()
    .configureOutput({ outputError: () => undefined }) // main() reports errors, in the format that is asked for.
    .configureHelp({ showGlobalOptions: false })
    .addHelpText('after', GENERAL_HELP);
  addUp(program);
  addDoctor(program);
  addHosts(program);
  addLog(program);
  addPolicy(program);
  addEventLog(program);
  addTpm(program);
  addReference(program);
  addFile(program);
  addEvm(program);
  addVerity(program);
  addKey(program);
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

function addHosts(program: Command): void {
  const hosts = group(program, 'hosts', 'The fleet: hosts and their verdicts.');
  const get = connected(command(hosts, 'get', 'List the hosts, or show one with its ladder and findings.'))
    .argument('[host]', 'name or id of a host')
    .addOption(outputOption());
  examples(get, ['assay hosts get', 'assay hosts get web-01', "assay hosts get -o json | jq -r '.hosts[].verdict'"]);
  get.action(action(async (host, options) => (await import('./commands/hosts.ts')).getHosts(host, options)));
}

function addLog(program: Command): void {
  const log = group(program, 'log', 'Measurement lists: files of the kernel or the engine, no verifier needed.');
  const show = command(log, 'show', 'Print the entries of a measurement list, all or those that are asked for.')
    .argument('<file>', 'measurement list of the kernel or the engine, binary or ascii')
    .option('--path <pattern>', 'names that match, with *, ** and ?; or a path and all below it')
    .option('--digest <alg:hex>', 'files of this digest, of which a beginning is enough')
    .option('--template <name>', 'entries of this template')
    .option('--violations', 'violations only')
    .option('--pcr <number>', 'entries of this PCR')
    .option('--from <entry>', 'from this entry on')
    .option('--to <entry>', 'up to and with this entry')
    .option('--limit <number>', 'no more than so many')
    .option('--entry <entry>', 'this entry with all that it carries')
    .option('--long', 'all that each entry carries: signatures, keys, critical data, attributes')
    .option('--follow', 'go on with what is measured from now on, until Ctrl-C')
    .addOption(bankOption())
    .addOption(imaHashOption())
    .addOption(outputOption(['text', 'json', 'jsonl', 'csv']));
  examples(show, [
    'assay log show .assay/engine/binary_runtime_measurements_sha256',
    'assay log show FILE --path /usr/bin --violations',
    "assay log show FILE --path '/home/*/**' -o csv >home.csv",
    'assay log show FILE --entry 13',
    'assay log show /sys/kernel/security/ima/binary_runtime_measurements --follow',
    'assay log show FILE -o jsonl | jq -r \'select(.kind == "file").name\'',
  ]);
  show.action(action(async (file, options) => (await import('./commands/log-show.ts')).showLog(file, options)));
  addLogComparisons(log);
  const verify = command(log, 'verify', 'Recompute every template digest and replay the list into its PCRs.')
    .argument('<file>', 'measurement list of the kernel or the engine, binary or ascii')
    .option('--pcr <bank:index=hex>', 'value that the PCR must have; may be repeated', collect)
    .option('--pcrs <file>', 'file of such values, a line each: bank:index hex')
    .option('--eventlog <file>', 'boot event log that must lead to boot_aggregate')
    .addOption(bankOption())
    .addOption(imaHashOption())
    .addOption(outputOption());
  examples(verify, [
    'assay log verify binary_runtime_measurements_sha256',
    'assay log verify FILE --pcr sha256:10=4be2… -o json',
  ]);
  verify.action(action(async (file, options) => (await import('./commands/log-verify.ts')).verifyLog(file, options)));
}

/** What is in a list, and what is in one and not in another. */
function addLogComparisons(log: Command): void {
  const stats = command(log, 'stats', 'Count what a measurement list holds: by template, directory, digest and more.')
    .argument('<file>', 'measurement list of the kernel or the engine, binary or ascii')
    .option('--depth <number>', 'components of a directory that are told apart', '2')
    .option('--top <number>', 'rows of each table', '10')
    .addOption(bankOption())
    .addOption(imaHashOption())
    .addOption(outputOption(['text', 'json', 'csv']));
  examples(stats, [
    'assay log stats /sys/kernel/security/ima/binary_runtime_measurements',
    'assay log stats FILE --depth 1 --top 20',
    'assay log stats FILE -o json | jq .duplicates.namesOfManyDigests',
  ]);
  stats.action(action(async (file, options) => (await import('./commands/log-stats.ts')).logStatistics(file, options)));
  const diff = connected(
    command(log, 'diff', 'Say what one list has measured and another has not, by digest and name.'),
  )
    .argument('<a>', 'measurement list, or host:NAME for a host that the verifier knows')
    .argument('<b>', 'the other one')
    .option('--files', 'files only: no boot_aggregate, buffers or violations')
    .addOption(bankOption())
    .addOption(imaHashOption())
    .addOption(outputOption(['text', 'json', 'jsonl', 'csv']));
  examples(diff, [
    'assay log diff before after',
    'assay log diff host:web-01 host:web-02 --files',
    'assay log diff golden host:web-01 -o csv >differences.csv',
  ]);
  diff.action(action(async (a, b, options) => (await import('./commands/log-diff.ts')).diffLogs(a, b, options)));
}

function addPolicy(program: Command): void {
  const policy = group(program, 'policy', 'IMA policies: what a kernel will say to them, before it does.');
  const check = command(policy, 'check', 'Say which rules of a policy a kernel accepts, and why not the others.')
    .argument('<file>', 'a policy, a rule on each line')
    .option('--kernel <version>', 'kernel from 5.4 to 7.3, such as 6.12 (default: the running one)')
    .option('--config <which>', "debian, a list of options or a kernel's configuration file (see the manual)")
    .option('--fix', 'mend in the file what can be mended without changing a decision')
    .option('--dry-run', 'with --fix: print the difference, and change nothing')
    .addOption(outputOption(['text', 'json', 'sarif']));
  examples(check, [
    'assay policy check /etc/ima/ima-policy',
    'assay policy check FILE --kernel 6.12 --config debian',
    'assay policy check FILE --fix --dry-run',
    'assay policy check FILE -o sarif >policy.sarif',
    "assay policy check FILE -o json | jq '.rules[] | select(.accepted | not)'",
  ]);
  check.action(
    action(async (file, options) => (await import('./commands/policy-check.ts')).checkPolicyFile(file, options)),
  );
  const format = command(policy, 'format', 'Print a policy with even spacing, its comments and order kept.').argument(
    '<file>',
    'a policy, a rule on each line',
  );
  examples(format, ['assay policy format FILE', 'assay policy format FILE >FILE.new']);
  format.action(action(async (file) => (await import('./commands/policy-format.ts')).formatPolicyFile(file)));
  addPolicyAnswers(policy);
  addPolicySimulate(policy);
}

/** What a policy does, once a kernel holds it. */
function addPolicyAnswers(policy: Command): void {
  const explain = ofKernel(command(policy, 'explain', 'Say which rules decide about an access, and why others do not.'))
    .argument('<file>', 'a policy, or builtin:NAME such as builtin:tcb')
    .option('--path <path>', 'the file that is accessed; what it has is taken from it where it exists')
    .option('--func <function>', 'function that the kernel asks with, such as BPRM_CHECK', 'FILE_CHECK')
    .option('--mask <mask>', 'access, such as MAY_READ|MAY_WRITE (default: that of the function)')
    .option('--uid <id>', 'who accesses it (default: 0)')
    .option('--euid <id>', 'effective user (default: as --uid); 0 has the capabilities of root')
    .option('--gid <id>', 'group (default: as --uid)')
    .option('--egid <id>', 'effective group (default: as --gid)')
    .option('--owner <id>', 'owner of the file')
    .option('--group <id>', 'group of the file')
    .option('--fsmagic <hex>', 'magic number of its file system')
    .option('--fsname <type>', 'type of its file system, such as ext4 or fuse.sshfs')
    .option('--fsuuid <uuid>', 'UUID of its file system')
    .option('--data <name>', 'keyring of KEY_CHECK, or label of CRITICAL_DATA')
    .option('--label <field=text>', 'label of a security module, such as obj_type=bin_t; may be repeated', collect)
    .addOption(outputOption());
  examples(explain, [
    'assay policy explain /etc/ima/ima-policy --path /usr/bin/su --func BPRM_CHECK --uid 1000',
    "assay policy explain 'builtin:tcb|appraise_tcb' --path /etc/shadow --kernel 6.12",
    'assay policy explain FILE --func KEY_CHECK --data .ima -o json | jq .actions',
  ]);
  explain.action(
    action(async (file, options) => (await import('./commands/policy-explain.ts')).explainPolicy(file, options)),
  );
  const show = ofKernel(command(policy, 'show-builtin', 'Print the rules with which a kernel starts.'))
    .argument('<name>', "value of ima_policy=, such as tcb, or a kernel's whole command line")
    .addOption(outputOption());
  examples(show, [
    'assay policy show-builtin tcb --kernel 6.12',
    "assay policy show-builtin 'tcb|appraise_tcb' --secure-boot",
    'assay policy show-builtin "$(cat /proc/cmdline)"',
  ]);
  show.action(
    action(async (name, options) => (await import('./commands/policy-show-builtin.ts')).showBuiltin(name, options)),
  );
}

/** What a policy would do to a real tree. */
function addPolicySimulate(policy: Command): void {
  const simulate = ofKernel(command(policy, 'simulate', 'Say what would be measured, appraised and refused in a tree.'))
    .argument('<file>', 'a policy, or builtin:NAME such as builtin:tcb')
    .requiredOption('--root <dir>', 'the tree, which is only read')
    .option('--assume <names>', 'what happens to the files: exec,mmap,modules,firmware,read-root,read-user,kexec')
    .option('--users <ids>', 'who executes and reads', '0,1000')
    .option('--template <name>', 'ima_template= of the kernel', 'ima-sig')
    .option('--verify', 'compare the content of files with the digests in their labels')
    .option('--one-file-system', 'stay on the file system of the root')
    .option('--depth <number>', 'components of a directory that are told apart', '2')
    .option('--limit <number>', 'refused files that are named as text', '20')
    .addOption(outputOption(['text', 'json', 'jsonl']));
  examples(simulate, [
    'sudo assay policy simulate FILE --root / --kernel 6.12',
    "sudo assay policy simulate 'builtin:tcb|appraise_tcb' --root /usr --assume exec,mmap",
    'assay policy simulate FILE --root ./image --verify -o jsonl | jq -r \'select(.kind == "refused").path\'',
  ]);
  simulate.action(
    action(async (file, options) => (await import('./commands/policy-simulate.ts')).simulatePolicy(file, options)),
  );
}

/** Options that say which kernel a policy is in. */
function ofKernel(target: Command): Command {
  return target
    .option('--kernel <version>', 'kernel from 5.4 to 7.3, such as 6.12 (default: the running one)')
    .option('--config <which>', "debian, or a kernel's configuration file (default: debian; see the manual)")
    .option('--secure-boot', 'Secure Boot is on: with the rules of the architecture');
}

function addEventLog(program: Command): void {
  const eventlog = group(program, 'eventlog', 'Boot event logs of the firmware: files, no verifier needed.');
  const show = command(eventlog, 'show', 'Print the events of a boot event log, and what their digests prove.')
    .argument('<file>', 'binary_bios_measurements of the kernel')
    .addOption(bootBankOption())
    .addOption(outputOption());
  examples(show, [
    'sudo assay eventlog show /sys/kernel/security/tpm0/binary_bios_measurements',
    'assay eventlog show FILE -o json | jq .secureBoot',
  ]);
  show.action(
    action(async (file, options) => (await import('./commands/eventlog-show.ts')).showEventLog(file, options)),
  );
  const verify = command(eventlog, 'verify', 'Replay a boot event log and compare it with PCR values.')
    .argument('<file>', 'binary_bios_measurements of the kernel')
    .option('--pcr <bank:index=hex>', 'value that the PCR must have; may be repeated', collect)
    .option('--pcrs <file>', 'file of such values, a line each: bank:index hex')
    .addOption(bootBankOption())
    .addOption(outputOption());
  examples(verify, [
    'assay eventlog verify FILE --pcrs pcrs.txt',
    'assay eventlog verify FILE --pcr sha256:7=3d45… -o json',
  ]);
  verify.action(
    action(async (file, options) => (await import('./commands/eventlog-verify.ts')).verifyEventLog(file, options)),
  );
}

function addTpm(program: Command): void {
  const tpm = group(program, 'tpm', 'The TPM of this machine, or a software TPM: read, quote, seal.');
  const info = command(tpm, 'info', 'Say what a TPM is and what it holds; nothing of it is proved.')
    .addOption(tpmOption())
    .addOption(outputOption());
  examples(info, ['sudo assay tpm info', 'assay tpm info --tpm swtpm:tcp:127.0.0.1:2321 -o json']);
  info.action(action(async (options) => (await import('./commands/tpm-info.ts')).tpmInfo(options)));
  const pcrs = command(tpm, 'pcrs', 'Print PCR values, a line each, as --pcrs of other commands reads them.')
    .option('--pcrs <selection>', 'such as sha256:0-7,10+sha1:10 (default: all of every active bank)')
    .addOption(tpmOption())
    .addOption(outputOption());
  examples(pcrs, ['sudo assay tpm pcrs >pcrs.txt', 'assay tpm pcrs --pcrs sha256:10 -o json | jq -r .pcrs.sha256[]']);
  pcrs.action(action(async (options) => (await import('./commands/tpm-pcrs.ts')).tpmPcrs(options)));
  addTpmQuote(tpm);
  addTpmSeal(tpm);
}

function addTpmQuote(tpm: Command): void {
  const quote = command(tpm, 'quote', 'Let the TPM sign PCR values for a question, check it, and write it to files.')
    .requiredOption('--nonce <hex>', 'the question, 16 to 64 bytes; 32 or fewer suit every TPM')
    .requiredOption('--pcrs <selection>', 'such as sha256:0-7,10+sha1:10')
    .option('--key <file>', 'attestation key to use; made there if the file is missing (default: a new one)')
    .addOption(new Option('--ak <template>', 'how a new key signs (default: ecdsa-p256)').choices(AK_NAMES))
    .addOption(new Option('--ek <template>', 'EK above a new key (default: L-2)').choices(EK_NAMES))
    .option('--out <dir>', 'directory for ak.pub, quote.msg, quote.sig and quote.pcrs')
    .addOption(tpmOption())
    .addOption(outputOption());
  examples(quote, [
    'assay tpm quote --nonce $(openssl rand -hex 32) --pcrs sha256:0-10 --out evidence',
    'assay tpm quote --nonce HEX --pcrs sha1:10+sha256:10 --key ak.json --ak rsapss-2048',
  ]);
  quote.action(action(async (options) => (await import('./commands/tpm-quote.ts')).tpmQuote(options)));
}

function addTpmSeal(tpm: Command): void {
  const seal = command(tpm, 'seal', 'Seal up to 128 bytes to this TPM and to the PCR values of this moment.')
    .requiredOption('--in <file>', 'what is sealed')
    .requiredOption('--out <file>', 'the sealed file, "TSS2 PRIVATE KEY" in PEM')
    .option('--pcrs <selection>', 'PCRs that must not change, such as sha256:0-7')
    .option('--password-file <file>', 'file whose first line is asked for too, at most 32 bytes')
    .addOption(tpmOption())
    .addOption(outputOption());
  examples(seal, [
    'assay tpm seal --pcrs sha256:7 --in disk.key --out disk.key.pem',
    'assay tpm seal --password-file pin --in disk.key --out disk.key.pem',
  ]);
  seal.action(action(async (options) => (await import('./commands/tpm-seal.ts')).tpmSeal(options)));
  const unseal = command(tpm, 'unseal', 'Give back what was sealed, if the TPM finds its conditions to hold.')
    .argument('<file>', 'the sealed file')
    .option('--password-file <file>', 'file whose first line is the password')
    .option('--out <file>', 'write the data there (default: to standard output)')
    .addOption(tpmOption())
    .addOption(outputOption());
  examples(unseal, [
    'assay tpm unseal disk.key.pem | cryptsetup open -d - DEVICE NAME',
    'assay tpm unseal disk.key.pem --password-file pin --out disk.key',
  ]);
  unseal.action(action(async (file, options) => (await import('./commands/tpm-unseal.ts')).tpmUnseal(file, options)));
}

function addReference(program: Command): void {
  const reference = group(program, 'reference', 'Reference values: which digests are good.');
  const capture = connected(
    command(reference, 'capture', 'Make what a host has measured in this boot its reference values.'),
  )
    .option('--host <host>', 'name or id of the host (default: the only one)')
    .option('--tree <dir...>', 'add the digests of the executable files under these directories of this machine')
    .option('--note <text>', 'why, for the record')
    .addOption(outputOption());
  examples(capture, ['assay reference capture', 'assay reference capture --host web-01 --tree /usr/bin /usr/sbin']);
  capture.action(
    action(async (options) => (await import('./commands/reference-capture.ts')).captureReferences(options)),
  );
}

function port(text: string): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number > 65_535) throw new InvalidArgumentError('A port is a number from 0 to 65535.');
  return number;
}

function connected(target: Command): Command {
  return target
    .addOption(new Option('--url <url>', 'the verifier').env('ASSAY_URL').default(DEFAULT_URL))
    .addOption(stateOption());
}

function tpmOption(): Option {
  return new Option('--tpm <which>', 'device[:PATH], swtpm:PATH, swtpm:unix:PATH or swtpm:tcp:HOST:PORT')
    .env('ASSAY_TPM')
    .default('device');
}

function stateOption(): Option {
  return new Option('--state <dir>', 'state directory of `assay up`').env('ASSAY_STATE').default(DEFAULT_STATE);
}

function imaHashOption(): Option {
  return new Option('--ima-hash <hash>', 'file digests of a list of template ima (default: sha1)').choices([
    'sha1',
    'md5',
  ]);
}

function bankOption(): Option {
  return new Option(
    '--bank <bank>',
    'bank of the template digests (default: told by the name or the first entry)',
  ).choices(['sha1', 'sha256', 'sha384', 'sha512']);
}

function bootBankOption(): Option {
  return new Option('--bank <bank>', 'bank to look at (default: the strongest one that every event has)').choices([
    'sha1',
    'sha256',
    'sha384',
    'sha512',
  ]);
}

import type { Command } from 'commander';
import { action, collect, command, examples, group, outputOption, signing } from './declare.ts';

// The declarations of `assay policy`.

export function addPolicy(program: Command): void {
  const policy = group(program, 'policy', 'IMA policies: what a kernel will say to them, before it does.');
  const check = command(policy, 'check', 'Say which rules of a policy a kernel accepts, and why not the others.')
    .argument('<file>', 'a policy, a rule on each line; - for standard input')
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
  addPolicySign(policy);
  addPolicyAnswers(policy);
  addPolicySimulate(policy);
}

function addPolicySign(policy: Command): void {
  const sign = command(policy, 'sign', 'Sign a policy for the engine: writes a DSSE envelope that holds it.')
    .argument('<file>', 'a policy; an envelope gets one signature more')
    .requiredOption('--out <file>', 'the envelope; is replaced as a whole where it exists');
  examples(signing(sign).addOption(outputOption()), [
    'assay policy sign policy --key release.pem --out policy.signed',
    "assay policy sign policy --key 'pkcs11:token=release' --out policy.signed",
  ]);
  sign.action(action(async (file, given) => (await import('./commands/policy-sign.ts')).signPolicy(file, given)));
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
    'assay policy simulate FILE --root img --verify -o jsonl | jq -r \'select(.kind == "refused").path\'',
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

import { Option, type Command } from 'commander';
import { action, collect, command, examples, group, outputOption } from './declare.ts';
import { tpmOption } from './tpm-commands.ts';

// The declarations of `assay engine`.

const DIRECTORY = '/run/assay/engine';

export function addEngine(program: Command): void {
  const engine = group(program, 'engine', 'IMA in userspace: measure and appraise where the kernel does not.');
  addRun(engine);
  addExplain(engine);
  addEnginePolicy(engine);
  const status = asking(command(engine, 'status', 'Say what the running engine does, and what it has lost.'));
  examples(status, ['sudo assay engine status', 'sudo assay engine status -o json | jq .entries']);
  status.action(action(async (options) => (await import('./commands/engine-ask.ts')).engineStatus(options)));
  const confirm = asking(command(engine, 'confirm', 'Say that the machine can still be used: enforce stays.'));
  examples(confirm, ['sudo assay engine confirm']);
  confirm.action(action(async (options) => (await import('./commands/engine-ask.ts')).confirmEngine(options)));
  const pause = asking(
    command(engine, 'pause', 'Let everything pass for a time, unmeasured; the list says so.'),
  ).option('--for <time>', 'how long, such as 90s, 5m or 1h', '10m');
  examples(pause, ['sudo assay engine pause --for 5m']);
  pause.action(action(async (options) => (await import('./commands/engine-ask.ts')).pauseEngine(options)));
  const resume = asking(command(engine, 'resume', 'End a pause.'));
  examples(resume, ['sudo assay engine resume']);
  resume.action(action(async (options) => (await import('./commands/engine-ask.ts')).resumeEngine(options)));
  const mode = asking(command(engine, 'mode', 'Appraise in another mode from now on.')).argument(
    '<mode>',
    'off, log, fix or enforce',
  );
  examples(mode, ['sudo assay engine mode log', 'sudo assay engine mode enforce && sudo assay engine confirm']);
  mode.action(action(async (to, options) => (await import('./commands/engine-ask.ts')).changeMode(to, options)));
  const doctor = asking(
    command(engine, 'doctor', 'Say how well each hook of the kernel is stood in for on this host.'),
  );
  examples(doctor, ['assay engine doctor', "assay engine doctor -o json | jq '.bypasses[] | select(.open)'"]);
  doctor.action(action(async (options) => (await import('./commands/engine-doctor.ts')).engineDoctor(options)));
}

function addRun(engine: Command): void {
  const run = deciding(
    command(engine, 'run', 'Measure and appraise what is opened on the named mounts; Ctrl-C stops it.'),
  )
    .requiredOption('--watch <dir...>', 'mount points whose file systems are watched')
    .addOption(
      new Option('--mode <mode>', 'what is done with files that fail')
        .choices(['off', 'log', 'fix', 'enforce'])
        .default('log'),
    )
    .option('--policy-rewritable', 'take other policies while it runs, signed or not')
    .option('--confirm-within <time>', 'enforce becomes log unless confirmed by then; 0: never', '5m')
    .option('--directory <dir>', 'where the list is', DIRECTORY)
    .option('--archive <dir>', 'where the beginning of the list goes when it is long; left out, it stays')
    .option('--list-size <size>', 'what the list may take in its directory, where there is an archive', '16M')
    .addOption(
      new Option(
        '--supervise <failure>',
        'a process beside starts it anew; until then openings are allowed or refused',
      ).choices(['open', 'closed']),
    )
    .option('--root-file-system', 'allow the file system of / among the mounts')
    .addOption(
      new Option(
        '--bpf <mode>',
        'programs in the kernel look for verdicts at each execution and mapping for execution, and tell or refuse',
      ).choices(['log', 'enforce']),
    )
    .option('--bpf-cgroup <dir>', 'whose processes are asked on all file systems; may be repeated', collect)
    .option('--turbo', 'files that do not change go without asking, held by leases')
    .addOption(
      new Option('-o, --output <format>', 'text for people, a JSON object on each line for programs')
        .choices(['text', 'jsonl'])
        .default('text'),
    );
  examples(run, [
    'sudo assay engine run --watch /srv',
    'sudo assay engine run --watch /srv --policy /etc/assay/policy --cert /etc/keys --mode log',
    'sudo assay engine run --watch /srv --archive /var/lib/assay/engine --list-size 4M',
    'sudo assay engine run --watch /srv --policy FILE --mode enforce --confirm-within 5m',
    'sudo assay engine run --watch /srv --policy FILE --mode enforce --updater /usr/bin/dpkg',
  ]);
  run.action(action(async (options) => (await import('./commands/engine-run.ts')).runEngine(options)));
}

function addEnginePolicy(engine: Command): void {
  const policy = group(engine, 'policy', 'The rules of a running engine.');
  const load = asking(
    command(policy, 'load', 'Let the engine answer by another policy, where it was started to take one.'),
  ).argument('<file>', 'a policy, or the envelope of a signed one');
  examples(load, [
    'sudo assay engine policy load /etc/assay/policy',
    'sudo assay engine policy load policy.signed && sudo assay engine confirm',
  ]);
  load.action(action(async (file, options) => (await import('./commands/engine-policy.ts')).loadPolicy(file, options)));
  const show = asking(command(policy, 'show', 'Print the rules that are in force.'));
  examples(show, ['sudo assay engine policy show', 'sudo assay engine policy show | diff /etc/assay/policy -']);
  show.action(action(async (options) => (await import('./commands/engine-policy.ts')).showPolicy(options)));
}

function addExplain(engine: Command): void {
  const explain = deciding(
    command(engine, 'explain', 'Say what the engine does with a file, by which rule, and what mends it.'),
  )
    .argument('<path>', 'a file of this machine')
    .addOption(new Option('--as <access>', 'how it is opened').choices(['exec', 'read', 'write']).default('exec'))
    .option('--uid <id>', 'by whom', '0')
    .option('--directory <dir>', 'directory of a running engine, which remembers what it said of the file', DIRECTORY)
    .addOption(outputOption());
  examples(explain, [
    'sudo assay engine explain /srv/bin/tool --policy /etc/assay/policy --cert /etc/keys',
    'assay engine explain ./tool --as read --uid 1000 -o json | jq .result',
  ]);
  explain.action(
    action(async (path, options) => (await import('./commands/engine-explain.ts')).explainFile(path, options)),
  );
}

function asking(target: Command): Command {
  return target.option('--directory <dir>', 'directory of the engine', DIRECTORY).addOption(outputOption());
}

/** Options that say what decides. */
function deciding(target: Command): Command {
  return target
    .option('--policy <file>', 'a policy, builtin:engine, or builtin:NAME such as builtin:tcb', 'builtin:engine')
    .option('--policy-key <file>', 'the policy must be an envelope signed by this public key; may be repeated', collect)
    .option('--policy-cert <file>', 'the policy must be signed by this certificate; may be repeated', collect)
    .option(
      '--cert <path>',
      'certificate that files may be signed by, or a directory of them; may be repeated',
      collect,
    )
    .option(
      '--keyring <name>',
      'keyring of the kernel whose keys check signatures, too, such as _ima or .machine; may be repeated',
      collect,
    )
    .option(
      '--evm-key <path>',
      'key of EVM: a file, plain or encrypted as the kernel keeps it, or a directory of assay key evm create',
    )
    .option('--master-key <file>', 'payload of the master key that encrypts the file')
    .option(
      '--evm-cert <path>',
      'certificate that metadata may be signed by, or a directory; may be repeated; left out, those of --cert',
      collect,
    )
    .addOption(tpmOption())
    .option('--algorithm <name>', 'ima_hash=: of labels that are written, and of files without one', 'sha256')
    .option('--template <name>', 'ima_template=: of rules that name none', 'ima-ng')
    .option('--kernel <version>', 'whose language and answers, from 5.4 to 7.3', '7.2')
    .option('--updater <program>', 'installs software, and gives labels to what it installs; may be repeated', collect)
    .option('--relabel <who>', 'whose writing gives a new hash label: writers or updaters', 'writers');
}

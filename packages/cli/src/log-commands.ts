import { Option, type Command } from 'commander';
import { action, collect, command, connected, examples, group, outputOption } from './declare.ts';

// The declarations of `assay log`.

export function addLog(program: Command): void {
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

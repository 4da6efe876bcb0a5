import type { Command } from 'commander';
import { action, command, connected, examples, group, outputOption } from './declare.ts';

export function addAlerts(program: Command): void {
  const alerts = group(program, 'alerts', 'What people are told of, and whether it arrives.');
  const list = connected(command(alerts, 'list', 'List what is open now, or all alerts that are kept.'))
    .option('--all', 'those that are over, too')
    .addOption(outputOption());
  examples(list, ['assay alerts list', "assay alerts list --all -o json | jq '.alerts[] | .sentence'"]);
  list.action(action(async (options) => (await import('./commands/alerts-list.ts')).listAlerts(options)));
  const sinks = connected(command(alerts, 'sinks', 'List where the verifier sends alerts.'))
    .option('--test', 'have it send a test message to each')
    .addOption(outputOption());
  examples(sinks, ['assay alerts sinks', 'assay alerts sinks --test']);
  sinks.action(action(async (options) => (await import('./commands/alerts-sinks.ts')).alertSinks(options)));
  const test = command(alerts, 'test', 'Send a test message to each sink of a file.')
    .argument('<file>', 'the file that `assay verifier serve --alerts` reads')
    .addOption(outputOption());
  examples(test, [
    'assay alerts test /etc/assay/alerts.json',
    "assay alerts test alerts.json -o json | jq '.sinks[] | select(.failure)'",
  ]);
  test.action(action(async (file, options) => (await import('./commands/alerts-test.ts')).testSinks(file, options)));
}

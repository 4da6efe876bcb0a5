import type { Command } from 'commander';
import { action, command, connected, examples, group, outputOption } from './declare.ts';

export function addHosts(program: Command): void {
  const hosts = group(program, 'hosts', 'The fleet: hosts and their verdicts.');
  const get = connected(command(hosts, 'get', 'List the hosts, or show one with its ladder and findings.'))
    .argument('[host]', 'name or id of a host')
    .addOption(outputOption());
  examples(get, ['assay hosts get', 'assay hosts get web-01', "assay hosts get -o json | jq -r '.hosts[].verdict'"]);
  get.action(action(async (host, options) => (await import('./commands/hosts.ts')).getHosts(host, options)));
  const boot = connected(command(hosts, 'boot', 'Show how a host started, by its boot event log and the quoted PCRs.'))
    .argument('<host>', 'name or id of a host')
    .option('--boot <id>', 'another boot than the present one: a number of its timeline')
    .option('--events', 'every event of the log too')
    .addOption(outputOption());
  examples(boot, [
    'assay hosts boot web-01',
    'assay hosts boot web-01 --events',
    'assay hosts boot web-01 -o json | jq .secureBoot.state',
  ]);
  boot.action(action(async (host, options) => (await import('./commands/hosts-boot.ts')).showBoot(host, options)));
  const remove = connected(command(hosts, 'remove', 'Remove a host that is no more, and all that is known of it.'))
    .argument('<host>', 'name or id of a host')
    .addOption(outputOption());
  examples(remove, ['assay hosts remove web-01', 'assay hosts remove 5dd1a4b1d7e5a9c0 -o json']);
  remove.action(action(async (host, options) => (await import('./commands/hosts.ts')).removeHost(host, options)));
  const label = connected(
    command(hosts, 'label', 'Set labels of a host, by which people tell hosts apart, or take them away.'),
  )
    .argument('<host>', 'name or id of a host')
    .argument('<change...>', '`name=value` sets a label, `name-` takes one away')
    .addOption(outputOption());
  examples(label, [
    'assay hosts label web-01 role=web site=berlin',
    'assay hosts label web-01 site-',
    "assay hosts label web-01 role=web -o json | jq '.labels'",
  ]);
  label.action(
    action(async (host, changes, options) =>
      (await import('./commands/hosts-label.ts')).labelHost(host, changes, options),
    ),
  );
}

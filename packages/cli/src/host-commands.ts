import { ListSource, TpmKind, Verdict } from '@assay/wire';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { action, command, connected, examples, group, outputOption } from './declare.ts';

function seconds(text: string): number {
  if (!/^\d{1,9}(\.\d{1,3})?$/.test(text)) throw new InvalidArgumentError('It is a number of seconds.');
  return Number(text);
}

export function addHosts(program: Command): void {
  const hosts = group(program, 'hosts', 'The fleet: hosts and their verdicts.');
  const get = connected(command(hosts, 'get', 'List the hosts, or show one with its ladder and findings.'))
    .argument('[host]', 'name or id of a host')
    .addOption(new Option('--verdict <verdict...>', 'with one of these verdicts').choices(Verdict.options))
    .option('--label <label>', 'with this label, as name=value')
    .option('--policy <name>', 'under this policy; captured or none for hosts that have no policy')
    .option('--code <code>', 'whose gravest open finding has this code')
    .addOption(new Option('--tpm <kind...>', 'with a TPM of these kinds').choices(TpmKind.options))
    .addOption(new Option('--list <source...>', 'with a list from one of these').choices(ListSource.options))
    .option('--text <text>', 'with this in the name, kernel or a label, or at the start of the id')
    .option('--min-age <seconds>', 'whose newest evidence is older than this', seconds)
    .option('--max-age <seconds>', 'whose newest evidence is no older than this', seconds)
    .addOption(outputOption());
  examples(get, [
    'assay hosts get',
    'assay hosts get web-01',
    'assay hosts get --verdict failed stale --label site=berlin',
    "assay hosts get -o json | jq -r '.hosts[].verdict'",
  ]);
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
  const timeline = connected(command(hosts, 'timeline', 'Show what happened to a host, the newest first.'))
    .argument('<host>', 'name or id of a host')
    .option('--limit <number>', 'happenings that are shown as text', '200')
    .addOption(outputOption());
  examples(timeline, ['assay hosts timeline web-01', "assay hosts timeline web-01 -o json | jq '.boots[].since'"]);
  timeline.action(
    action(async (host, options) => (await import('./commands/hosts-timeline.ts')).showTimeline(host, options)),
  );
  addChanges(hosts);
}

function addChanges(hosts: Command): void {
  const remove = connected(command(hosts, 'remove', 'Remove a host that is no more, and all that is known of it.'))
    .argument('<host>', 'name or id of a host')
    .addOption(outputOption());
  examples(remove, ['assay hosts remove web-01', 'assay hosts remove 5dd1a4b1d7e5a9c0 -o json']);
  remove.action(action(async (host, options) => (await import('./commands/hosts.ts')).removeHost(host, options)));
  const renew = connected(
    command(hosts, 'renew-key', 'Ask a host for another attestation key, which its TPM proves by itself.'),
  )
    .argument('<host>', 'name or id of a host')
    .addOption(outputOption());
  examples(renew, [
    'assay hosts renew-key web-01',
    "assay hosts get -o json | jq -r '.hosts[].name' | xargs -n 1 assay hosts renew-key",
  ]);
  renew.action(action(async (host, options) => (await import('./commands/hosts.ts')).renewKey(host, options)));
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

export function addFleet(program: Command): void {
  const fleet = group(program, 'fleet', 'The fleet as a whole: is anything wrong, and is the watch itself alive?');
  const show = connected(
    command(fleet, 'show', 'Show verdicts, open causes, policies in force and the verifier at a glance.'),
  ).addOption(outputOption());
  examples(show, ['assay fleet show', "assay fleet show -o json | jq '.causes[] | .sentence'"]);
  show.action(action(async (options) => (await import('./commands/fleet.ts')).showFleet(options)));
}

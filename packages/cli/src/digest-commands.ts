import { Option, type Command } from 'commander';
import { action, command, connected, examples, group, outputOption } from './declare.ts';

export function addDigest(program: Command): void {
  const digest = group(program, 'digest', 'Digests, across the fleet.');
  const who = connected(command(digest, 'who', 'Name every host, boot and path at which a digest was ever measured.'))
    .argument('<digest...>', 'sha256:<hex>, or the hexadecimal digits of a SHA-256 digest alone')
    .addOption(outputOption());
  examples(who, [
    'assay digest who sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    'assay digest who "$(sha256sum /tmp/sample | cut -d" " -f1)"',
    "assay digest who sha256:9f86… -o json | jq -r '.sightings[].host.name' | sort -u",
    'assay digest who $(cat indicators.txt)',
  ]);
  who.action(action(async (values, options) => (await import('./commands/digest-who.ts')).digestWho(values, options)));
  const list = connected(command(digest, 'list', 'List what the fleet runs: what only few hosts ran comes first.'))
    .option('--text <text>', 'with this in the path or digest')
    .addOption(new Option('--order <which>', 'what comes first').choices(['rare', 'common']).default('rare'))
    .option('--most-hosts <number>', 'on no more hosts than these')
    .option('--limit <number>', 'no more than so many', '200')
    .addOption(outputOption());
  examples(list, [
    'assay digest list',
    'assay digest list --most-hosts 1 --text /tmp/',
    "assay digest list --order common --limit 1000 -o json | jq -r '.measurements[].digest'",
  ]);
  list.action(action(async (options) => (await import('./commands/digest-list.ts')).listDigests(options)));
}

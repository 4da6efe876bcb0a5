import type { Command } from 'commander';
import { action, command, connected, examples, group, outputOption } from './declare.ts';

export function addDigest(program: Command): void {
  const digest = group(program, 'digest', 'Digests, across the fleet.');
  const who = connected(command(digest, 'who', 'Name every host, boot and path at which a digest was ever measured.'))
    .argument('<digest>', 'sha256:<hex>, or the hexadecimal digits of a SHA-256 digest alone')
    .addOption(outputOption());
  examples(who, [
    'assay digest who sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
    'assay digest who "$(sha256sum /tmp/sample | cut -d" " -f1)"',
    "assay digest who sha256:9f86… -o json | jq -r '.sightings[].host.name' | sort -u",
  ]);
  who.action(action(async (value, options) => (await import('./commands/digest-who.ts')).digestWho(value, options)));
}

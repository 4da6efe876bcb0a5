import { InvalidArgumentError, Option, type Command } from 'commander';
import { action, command, examples, group } from './declare.ts';

export function addDemo(program: Command): void {
  const demo = group(program, 'demo', 'Try Assay out: simulated hosts, to which things happen.');
  const fleet = command(
    demo,
    'fleet',
    'Tell a story with simulated hosts: a day, an upgrade, an attack; Ctrl-C ends it.',
  )
    .option('--hosts <number>', 'hosts, from 4 to 1000', number, 40)
    .option('--speed <number>', 'times as fast as the clock', number, 1)
    .option('--seed <text>', 'what happens to whom: the same seed, the same story', 'assay')
    .option('--port <number>', 'port of its own verifier on 127.0.0.1', number, 4620)
    .option('--keep <dir>', 'keep the state in this directory (default: it is removed at the end)')
    .option('--verifier <url>', 'enrol at this verifier, instead of one of its own')
    .option('--join-token-file <file>', 'token that lets hosts enrol there; else ASSAY_JOIN_TOKEN')
    .option('--once', 'end when the story is told; exits with 1 when something did not come')
    .addOption(
      new Option('-o, --output <format>', 'text for people, a JSON object on each line for programs')
        .choices(['text', 'jsonl'])
        .default('text'),
    );
  examples(fleet, [
    'assay demo fleet',
    'assay demo fleet --hosts 200 --speed 5 --keep /tmp/demo',
    'assay demo fleet --verifier https://assay.example --join-token-file join',
  ]);
  fleet.action(action(async (options) => (await import('./commands/demo-fleet.ts')).demoFleet(options)));
}

function number(text: string): number {
  if (!/^\d{1,5}(\.\d{1,3})?$/.test(text)) throw new InvalidArgumentError('It is a number.');
  return Number(text);
}

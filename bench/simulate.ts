// A policy simulated over /usr, against a bare walk with attributes on as many threads, find and getfattr: [DIR] [--rounds N]
import { mkdtemp, rmdir } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measure, type Measured } from './log/measure.ts';

const ASSAY = join(import.meta.dirname, '../packages/cli/bin/assay.js');
const POLICY = join(import.meta.dirname, '../docs/policies/bastion-enforce.policy');
const BARE = join(import.meta.dirname, 'simulate/bare.ts');

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '5' } },
});
const root = positionals[0] ?? '/usr';
const rounds = Number(values.rounds);
if (!Number.isSafeInteger(rounds) || rounds < 1) {
  console.error('usage: npm run bench -- simulate [DIR] [--rounds N]');
  process.exit(2);
}

const empty = await mkdtemp(join(tmpdir(), 'assay-bench-'));

/** Exit code 1 of `simulate` and getfattr is an answer. */
const answered = (command: string): readonly [string, string[]] => ['sh', ['-c', `${command}; [ $? -le 1 ]`]];
const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`;
const simulated = `${quoted(process.execPath)} ${quoted(ASSAY)} policy simulate`;

const NAMES = {
  simulate: 'assay policy simulate',
  appraised: 'the same with builtin:appraise_tcb',
  start: 'the same over an empty directory',
  bare: 'bare walk, stat and attribute',
  find: 'find -type f -printf',
  getfattr: 'getfattr -R',
} as const;
const PROGRAMS: readonly (readonly [name: string, command: readonly [string, string[]]])[] = [
  [NAMES.simulate, answered(`${simulated} ${quoted(POLICY)} --root ${quoted(root)} --kernel 6.12`)],
  [NAMES.appraised, answered(`${simulated} builtin:appraise_tcb --root ${quoted(root)} --kernel 6.12`)],
  [NAMES.start, answered(`${simulated} builtin:appraise_tcb --root ${quoted(empty)} --kernel 6.12`)],
  [NAMES.bare, [process.execPath, [BARE, root]]],
  [NAMES.find, answered(`find ${quoted(root)} -type f -printf '%s %U %G %m\\n' >/dev/null`)],
  [NAMES.getfattr, answered(`getfattr -R -P -h -n security.ima ${quoted(root)} >/dev/null 2>&1`)],
];

try {
  await main();
} finally {
  await rmdir(empty);
}

async function main(): Promise<void> {
  console.log(`${root}; best of ${rounds} rounds, whole processes; load before: ${loadavg()[0]?.toFixed(2)}`);
  const best = new Map<string, Measured>();
  for (let round = 0; round < rounds; round++) {
    for (const [name, [program, parameters]] of PROGRAMS) {
      const measured = await measure(program, ...parameters);
      const before = best.get(name);
      if (before === undefined || measured.seconds < before.seconds) best.set(name, measured);
    }
  }
  const bare = best.get(NAMES.bare)?.seconds ?? Number.NaN;
  const row = (name: string, cells: readonly string[]): void => {
    console.log(name.padEnd(38) + cells.map((cell) => cell.padStart(12)).join(''));
  };
  row('', ['seconds', 'of the bare', 'peak MB']);
  for (const [name, { seconds, megabytes }] of best) {
    row(name, [seconds.toFixed(3), (seconds / bare).toFixed(2), name.startsWith('assay') ? '' : megabytes.toFixed(0)]);
  }
  console.log(`bare walk: ${best.get(NAMES.bare)?.output.trim()}`);
}

// Files that nobody has opened yet, whose pages are in memory.
import { randomBytes } from 'node:crypto';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { atLeast } from './limit.ts';
import { millisecondsOf } from './load.ts';
import { fastest, timed } from './timed.ts';

const LIMIT = 0.85;
const MEGABYTE = 1024 * 1024;
const MOST_ROUNDS = 9;
const SIZES = [
  { name: '100 KB', size: 102_400, files: 40 },
  { name: '10 MB', size: 10 * MEGABYTE, files: 4 },
  { name: '100 MB', size: 100 * MEGABYTE, files: 1 },
];

/**
 * The first opening of a file, until the engine has hashed and listed it, beside hashing the same bytes without an engine: in
 * a process that runs, and by a command as whole.
 * @param bare where nobody watches
 * @param watched where every opening is asked about
 */
export async function firstAccess(bare: string, watched: string, rounds: number): Promise<void> {
  console.log('\nfirst opening of a file, milliseconds; the fastest of each');
  for (const { name, size, files } of SIZES) {
    const found = { command: [] as number[], hash: [] as number[], open: [] as number[] };
    for (let round = 0; round < Math.min(rounds, MOST_ROUNDS); round++) {
      const [theirs = [], ours = []] = [bare, watched].map((path) => programs(path, size, files));
      const times = await timed(
        'first',
        theirs.flatMap((path, index) => [path, ours[index] ?? path]),
      );
      for (const [index, time] of times.entries()) found[index % 2 === 0 ? 'hash' : 'open'].push(time);
      found.command.push(await millisecondsOf('openssl', 'dgst', '-sha256', theirs[0] ?? ''));
    }
    const [command, hash, open] = [found.command, found.hash, found.open].map((times) => fastest(times));
    if (command === undefined || hash === undefined || open === undefined) return;
    console.log(
      `${name.padEnd(9)}engine ${open.toFixed(2)}   hashing ${hash.toFixed(2)}   openssl dgst ${command.toFixed(2)}`,
    );
    atLeast('         speed / hashing in a process that runs', hash / open, LIMIT);
    atLeast('         speed / openssl dgst', command / open, LIMIT);
  }
}

/** Programs with bytes behind them that no earlier ones had. */
function programs(directory: string, size: number, files: number): string[] {
  return Array.from({ length: files }, (_, index) => {
    const path = join(directory, `first${index}`);
    rmSync(path, { force: true });
    copyFileSync('/bin/true', path);
    for (let rest = size; rest > 0; rest -= MEGABYTE) {
      writeFileSync(path, randomBytes(Math.min(rest, MEGABYTE)), { flag: 'a', flush: true });
    }
    return path;
  });
}

// A known program that runs while a large one is hashed for its first execution.
import { copyFileSync, existsSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { limit } from './limit.ts';
import { millisecondsOf } from './load.ts';
import { timed } from './timed.ts';

const LIMIT = 1.15;
const SIZE = 2 ** 29;
const MOST_ROUNDS = 9;

/**
 * The 99th percentile of executions while the engine hashes, beside that while another process hashes as much: what is
 * left is what the engine makes others wait.
 */
export async function overtaking(bare: string, watched: string, rounds: number): Promise<void> {
  const program = join(watched, 'true');
  const least = { ours: Infinity, theirs: Infinity };
  for (let round = 0; round < Math.min(rounds, MOST_ROUNDS); round++) {
    const [ours, theirs] = [large(watched), large(bare)];
    least.theirs = Math.min(least.theirs, await worst(program, 'openssl', 'dgst', '-sha256', theirs));
    least.ours = Math.min(least.ours, await worst(program, '/bin/dash', '-c', ours));
  }
  console.log(
    '\nexecutions of a known program while 512 MB are hashed: 99th percentile, milliseconds; least of the rounds',
  );
  console.log(`engine hashes ${least.ours.toFixed(2)}   openssl dgst hashes ${least.theirs.toFixed(2)}`);
  limit('p99 while the engine hashes / while another process does', least.ours / least.theirs, LIMIT);
}

async function worst(program: string, ...hashing: readonly [string, ...string[]]): Promise<number> {
  const [begun, stop] = [`${program}.begun`, `${program}.stop`];
  for (const path of [begun, stop]) rmSync(path, { force: true });
  const running = timed('run', [program]);
  while (!existsSync(begun)) await delay(5);
  await millisecondsOf(...hashing);
  writeFileSync(stop, '');
  const times = (await running).toSorted((a, b) => a - b);
  return times[Math.ceil(times.length * 0.99) - 1] ?? NaN;
}

/** A program with nothing behind it, 512 MB of it, which nobody has executed yet. */
function large(directory: string): string {
  const path = join(directory, 'large');
  rmSync(path, { force: true });
  copyFileSync('/bin/true', path);
  truncateSync(path, SIZE);
  return path;
}

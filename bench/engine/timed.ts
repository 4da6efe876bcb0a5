import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

/** Milliseconds that each takes (times.ts), in this order, before whatever else the machine does. */
export async function timed(mode: 'execute' | 'open' | 'first' | 'run', paths: readonly string[]): Promise<number[]> {
  const command = ['--adjustment=-20', process.execPath, join(import.meta.dirname, 'times.ts'), mode, ...paths];
  const child = spawn('nice', command, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  if (child.exitCode !== 0) throw new Error(`times.ts ${mode} ended with ${child.exitCode}`);
  const found: unknown = JSON.parse(output);
  if (!Array.isArray(found)) throw new Error('times.ts told no times');
  return found.map(Number);
}

/** The median of the fastest tenth: of the moments in which the machine did nothing else. */
export function fastest(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 20)] ?? NaN;
}

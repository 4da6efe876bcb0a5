import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Milliseconds of a whole program, before whatever else the machine does. */
export async function millisecondsOf(program: string, ...given: readonly string[]): Promise<number> {
  const started = performance.now();
  const child = spawn('nice', ['--adjustment=-20', program, ...given], { stdio: 'ignore' });
  await once(child, 'exit');
  if (child.exitCode !== 0) throw new Error(`${program} ended with ${child.exitCode}`);
  return performance.now() - started;
}

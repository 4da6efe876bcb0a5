// Loops of a shell, timed; a shell, because it costs little beside what it starts.
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Microseconds for one round of a command of the shell, without what the loop itself costs the first time. */
export async function microsecondsPer(command: string, rounds: number): Promise<number> {
  const script = `${command}; i=0; while [ $i -lt ${rounds} ]; do ${command}; i=$((i+1)); done`;
  const started = performance.now();
  // Before whatever else the machine does.
  const child = spawn('nice', ['--adjustment=-20', '/bin/dash', '-c', script], { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (bytes: Buffer) => {
    errors += bytes.toString();
  });
  await once(child, 'exit');
  if (child.exitCode !== 0 || errors !== '') throw new Error(`${command}: ${child.exitCode} ${errors.slice(0, 500)}`);
  return ((performance.now() - started) * 1000) / (rounds + 1);
}

/** Milliseconds of a whole program. */
export async function millisecondsOf(program: string, ...given: readonly string[]): Promise<number> {
  const started = performance.now();
  const child = spawn('nice', ['--adjustment=-20', program, ...given], { stdio: 'ignore' });
  await once(child, 'exit');
  if (child.exitCode !== 0) throw new Error(`${program} ended with ${child.exitCode}`);
  return performance.now() - started;
}

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';

const STOP_LIMIT_MS = 5_000;

/** A process of swtpm. */
export interface Child {
  readonly process: ChildProcess;
  /** What it wrote on standard error. */
  said(): string;
}

/** @param options those after `--tpm2` and the directory of its state */
export function launch(path: string, state: string, options: readonly string[]): Child {
  const words = ['socket', '--tpm2', '--tpmstate', `dir=${state}`, '--seccomp', 'action=none', ...options];
  // A group of its own, so that Ctrl-C in the terminal does not take the TPM away before its users have ended; and a
  // signal at the death of this process, however it dies.
  const child = spawn('/usr/bin/setpriv', ['--pdeathsig', 'TERM', path, ...words], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const pieces: Buffer[] = [];
  child.stderr.on('data', (piece: Buffer) => pieces.length < 100 && pieces.push(piece));
  child.on('error', (error) => pieces.push(Buffer.from(error.message)));
  return { process: child, said: () => Buffer.concat(pieces).toString('utf8').trim() };
}

export async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const patience = new AbortController();
  const late = delay(STOP_LIMIT_MS, true, { signal: patience.signal }).catch(() => false);
  if (await Promise.race([gone.then(() => false), late])) child.kill('SIGKILL');
  await gone;
  patience.abort();
}

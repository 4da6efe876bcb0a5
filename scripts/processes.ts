import { spawn } from 'node:child_process';
import { ROOT } from './workspace.ts';

export interface Outcome {
  readonly code: number | null;
  /** Standard output and standard error, as they came. */
  readonly output: string;
}

/** Runs a program of Node's in the root directory to its end, without a terminal. */
export async function runNode(args: readonly string[]): Promise<Outcome> {
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
  const pieces: Buffer[] = [];
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece));
  child.stderr.on('data', (piece: Buffer) => pieces.push(piece));
  child.on('error', reject);
  child.on('close', (code) => {
    resolve({ code, output: Buffer.concat(pieces).toString('utf8') });
  });
  return promise;
}

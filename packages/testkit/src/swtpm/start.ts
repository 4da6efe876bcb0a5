import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SystemError } from '@assay/core/errors';
import { command, getCapability, TPM_CAP } from '@assay/core/tpm';
import { connectSwtpm } from '@assay/linux/tpm';
import { swtpmAvailable } from './available.ts';

export interface RunningSwtpm {
  /** The TPM's bytes; the control socket is at this path with `.ctrl`, where tpm2-tools expect it. */
  readonly socketPath: string;
  readonly pid: number;
  /** Takes the power away: send TPM2_Shutdown first, else the TPM counts a disorderly end. */
  stop(): Promise<void>;
}

const START_LIMIT_MS = 10_000;
const STOP_LIMIT_MS = 5_000;

/**
 * Starts a software TPM; it answers, and TPM2_Startup is for the caller.
 * @param stateDirectory where its seeds and counters stay from run to run; without one they are forgotten at the end
 * @throws SystemError TPM-UNREACHABLE where swtpm is missing or does not start
 */
export async function startSwtpm(stateDirectory?: string): Promise<RunningSwtpm> {
  const swtpm = swtpmAvailable();
  if ('missing' in swtpm) throw new SystemError('TPM-UNREACHABLE', `swtpm is not installed: ${swtpm.missing}`);
  const directory = await mkdtemp(join(tmpdir(), 'assay-tpm-'));
  const socketPath = join(directory, 'tpm');
  const state = stateDirectory ?? join(directory, 'state');
  await mkdir(state, { recursive: true, mode: 0o700 });
  const child = launch(swtpm.path, socketPath, state);
  const stop = async (): Promise<void> => {
    await end(child.process);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    return { socketPath, pid: await answers(child, socketPath), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

interface Child {
  readonly process: ChildProcess;
  /** What it wrote on standard error. */
  said(): string;
}

function launch(path: string, socketPath: string, state: string): Child {
  const options = ['--tpm2', '--tpmstate', `dir=${state}`, '--flags', 'not-need-init', '--seccomp', 'action=none'];
  const sockets = ['--server', `type=unixio,path=${socketPath}`, '--ctrl', `type=unixio,path=${socketPath}.ctrl`];
  // A group of its own, so that Ctrl-C in the terminal does not take the TPM away before its users have ended; and a
  // signal at the death of this process, however it dies.
  const child = spawn('/usr/bin/setpriv', ['--pdeathsig', 'TERM', path, 'socket', ...options, ...sockets], {
    detached: true,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const pieces: Buffer[] = [];
  child.stderr.on('data', (piece: Buffer) => pieces.length < 100 && pieces.push(piece));
  child.on('error', (error) => pieces.push(Buffer.from(error.message)));
  return { process: child, said: () => Buffer.concat(pieces).toString('utf8').trim() };
}

/** Its process id, once it answers. */
async function answers(child: Child, socketPath: string): Promise<number> {
  const question = command(getCapability, { capability: TPM_CAP.PCRS, property: 0, propertyCount: 1 });
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    const { pid, exitCode } = child.process;
    try {
      const transport = await connectSwtpm(socketPath);
      await transport.send(question.bytes);
      await transport.close();
      if (pid !== undefined) return pid;
    } catch (error) {
      if (pid === undefined || exitCode !== null || Date.now() > deadline) {
        throw new SystemError('TPM-UNREACHABLE', `swtpm did not start: ${child.said()}`, { cause: error });
      }
      await delay(5);
    }
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const patience = new AbortController();
  const late = delay(STOP_LIMIT_MS, true, { signal: patience.signal }).catch(() => false);
  if (await Promise.race([gone.then(() => false), late])) child.kill('SIGKILL');
  await gone;
  patience.abort();
}

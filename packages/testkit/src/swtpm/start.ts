import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SystemError } from '@assay/core/errors';
import { command, getCapability, TPM_CAP } from '@assay/core/tpm';
import { connectSwtpm } from '@assay/linux/tpm';
import { swtpmAvailable } from './available.ts';
import { end, launch, type Child } from './process.ts';

export interface RunningSwtpm {
  /** Path of the socket that was asked for. */
  readonly socketPath: string;
  readonly pid: number;
  /** Takes the power away: send TPM2_Shutdown first, else the TPM counts a disorderly end. */
  stop(): Promise<void>;
}

const START_LIMIT_MS = 10_000;

/**
 * Starts a software TPM; it answers, and TPM2_Startup is for the caller. The TPM's bytes are at its socket path, the
 * control socket is at this path with `.ctrl`, where tpm2-tools expect it.
 * @param stateDirectory where its seeds and counters stay from run to run; without one they are forgotten at the end
 * @throws SystemError TPM-UNREACHABLE where swtpm is missing or does not start
 */
export async function startSwtpm(stateDirectory?: string): Promise<RunningSwtpm> {
  const options = (path: string): string[] => {
    const sockets = ['--server', `type=unixio,path=${path}`, '--ctrl', `type=unixio,path=${path}.ctrl`];
    return ['--flags', 'not-need-init', ...sockets];
  };
  return start({ stateDirectory, options, probe: askForPcrs });
}

/**
 * Starts a software TPM for a virtual machine: its socket path is that of the control socket, by which QEMU hands it the
 * other one. The firmware of the machine starts it up.
 * @param stateDirectory as for {@link startSwtpm}
 * @throws SystemError TPM-UNREACHABLE where swtpm is missing or does not start
 */
export async function startGuestSwtpm(stateDirectory?: string): Promise<RunningSwtpm> {
  const options = (path: string): string[] => ['--flags', 'startup-clear', '--ctrl', `type=unixio,path=${path}`];
  return start({ stateDirectory, options, probe: connects });
}

interface Start {
  readonly stateDirectory: string | undefined;
  /** The options of swtpm for a socket path. */
  options(socketPath: string): string[];
  /** Resolves once it is ready, rejects before. */
  probe(socketPath: string): Promise<void>;
}

async function start({ stateDirectory, options, probe }: Start): Promise<RunningSwtpm> {
  const swtpm = swtpmAvailable();
  if ('missing' in swtpm) throw new SystemError('TPM-UNREACHABLE', `swtpm is not installed: ${swtpm.missing}`);
  const directory = await mkdtemp(join(tmpdir(), 'assay-tpm-'));
  const socketPath = join(directory, 'tpm');
  const state = stateDirectory ?? join(directory, 'state');
  await mkdir(state, { recursive: true, mode: 0o700 });
  const child = launch(swtpm.path, state, options(socketPath));
  const stop = async (): Promise<void> => {
    await end(child.process);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    return { socketPath, pid: await ready(child, async () => probe(socketPath)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Its process id, once it answers. */
async function ready(child: Child, probe: () => Promise<void>): Promise<number> {
  const deadline = Date.now() + START_LIMIT_MS;
  for (;;) {
    const { pid, exitCode } = child.process;
    try {
      await probe();
      if (pid !== undefined) return pid;
    } catch (error) {
      if (pid === undefined || exitCode !== null || Date.now() > deadline) {
        throw new SystemError('TPM-UNREACHABLE', `swtpm did not start: ${child.said()}`, { cause: error });
      }
      await delay(5);
    }
  }
}

async function askForPcrs(socketPath: string): Promise<void> {
  const question = command(getCapability, { capability: TPM_CAP.PCRS, property: 0, propertyCount: 1 });
  const transport = await connectSwtpm(socketPath);
  await transport.send(question.bytes);
  await transport.close();
}

async function connects(socketPath: string): Promise<void> {
  const socket = connect(socketPath);
  try {
    await once(socket, 'connect');
  } finally {
    socket.destroy();
  }
}

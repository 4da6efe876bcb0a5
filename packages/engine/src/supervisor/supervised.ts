import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { duplicateDescriptor, replaceDescriptor, socketPair } from '@assay/linux/process';
import type { DeciderSetup } from '../decision/setup.ts';
import { createDecider } from '../decision/decider.ts';
import { Gate } from '../gate/gate.ts';
import type { TurboSetup } from '../gate/turbo.ts';
import type { AdoptionSetup } from './adopt.ts';
import { SupervisorLink, type Supervision } from './supervision.ts';

interface SupervisedOptions {
  readonly mounts: readonly string[];
  readonly decider: DeciderSetup;
  readonly supervision: Supervision;
  readonly allowRootFileSystem: boolean;
  readonly turbo?: TurboSetup;
  readonly log: (line: string) => void;
}

/**
 * A gate on the group that a supervisor holds, too. Where the supervisor dies and openings are to be refused without an
 * engine, another one is started.
 */
export async function startSupervisedGate(options: SupervisedOptions): Promise<Gate> {
  const { supervision, log } = options;
  const { group, failure } = supervision;
  const heartbeat = duplicateDescriptor(supervision.socket);
  const begun = { gate: undefined as Gate | undefined };
  const lost = (): void => {
    if (begun.gate?.isStopping !== false) return;
    log('the supervisor is gone');
    if (failure === 'closed') link = adopted(options, heartbeat, lost);
  };
  let link = new SupervisorLink(supervision.socket, lost);
  const takeOver = (): Promise<void> => link.takeOver();
  begun.gate = await Gate.start({ ...options, failure, group, heartbeat, takeOver });
  return begun.gate;
}

/** Another supervisor watches this process, and starts the next engine as this one was started. */
function adopted({ decider, supervision }: SupervisedOptions, heartbeat: number, lost: () => void): SupervisorLink {
  const [own, its] = socketPair();
  const setup: AdoptionSetup = {
    command: [process.execPath, ...process.execArgv, ...process.argv.slice(1)],
    failure: supervision.failure,
    reportsThreads: createDecider(decider).events === 'open',
    pid: process.pid,
  };
  const module = fileURLToPath(import.meta.resolve('./adopt.ts'));
  const child = spawn(process.execPath, [...process.execArgv, module, JSON.stringify(setup)], {
    stdio: ['ignore', 'inherit', 'inherit', supervision.group, its.fd],
    detached: true,
  });
  child.on('error', lost);
  child.unref();
  its.close();
  replaceDescriptor(heartbeat, own.fd);
  return new SupervisorLink(own.fd, lost);
}

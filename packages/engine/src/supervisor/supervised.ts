import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { PermissionGroup } from '@assay/linux/fanotify';
import { duplicateDescriptor, Pulse, replaceDescriptor, socketPair } from '@assay/linux/process';
import type { BpfGateSetup } from '../bpf/bpf-gate.ts';
import type { DeciderSetup } from '../decision/setup.ts';
import { createDecider } from '../decision/decider.ts';
import { Gate } from '../gate/gate.ts';
import type { TurboSetup } from '../gate/turbo.ts';
import type { AdoptionSetup } from './adopt.ts';
import { END, SupervisorLink, type Supervision } from './supervision.ts';

interface SupervisedOptions {
  readonly mounts: readonly string[];
  readonly decider: DeciderSetup;
  readonly supervision: Supervision;
  readonly allowRootFileSystem: boolean;
  readonly turbo?: TurboSetup;
  readonly bpf?: BpfGateSetup;
  readonly log: (line: string) => void;
}

/** A supervisor that could not be started is tried again, but not at once. */
const PAUSE_MS = 1000;

/**
 * A gate on the group that a supervisor holds, too. Where the supervisor dies and openings are to be refused without an
 * engine, another one is started.
 */
export async function startSupervisedGate(options: SupervisedOptions): Promise<Gate> {
  const { supervision } = options;
  const { group, failure } = supervision;
  const line = new SupervisorLine(options);
  const gate = await Gate.start({
    ...options,
    failure,
    group,
    heartbeat: line.heartbeat,
    takeOver: () => line.takeOver(),
  });
  line.begun(gate);
  return gate;
}

/** The line to whoever supervises this process: the one that started it, or one that it started itself. */
class SupervisorLine {
  /** A socket whose other end the present supervisor has. */
  readonly heartbeat: number;
  readonly #options: SupervisedOptions;
  #link: SupervisorLink;
  #gate: Gate | undefined;
  /** It reads events, or is about to. */
  #isAnswering = false;
  #adopted = -Infinity;

  constructor(options: SupervisedOptions) {
    this.#options = options;
    this.heartbeat = duplicateDescriptor(options.supervision.socket);
    this.#link = new SupervisorLink(options.supervision.socket, () => this.#lost());
    const tellEnd = (): void => new Pulse(this.heartbeat, END).beat();
    // An end takes longer than a supervisor waits for the next beat.
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, tellEnd);
    process.once('exit', (code) => {
      if (code === 0) tellEnd();
    });
  }

  begun(gate: Gate): void {
    this.#gate = gate;
    this.#link.watches();
  }

  /** @returns when no supervisor reads events any more; one that is gone leaves that to the next one */
  async takeOver(): Promise<void> {
    for (let asked: SupervisorLink | undefined; asked !== this.#link; ) {
      asked = this.#link;
      await asked.takeOver();
    }
    this.#isAnswering = true;
    const { group, failure } = this.#options.supervision;
    // What a supervisor had read when it died, nobody would answer.
    if (this.#link.isLost) new PermissionGroup(group).answerLeft(failure === 'open');
  }

  #lost(): void {
    if (this.#gate?.isStopping === true) return;
    this.#options.log('the supervisor is gone');
    if (this.#options.supervision.failure === 'open') return;
    const rest = this.#adopted + PAUSE_MS - performance.now();
    if (rest <= 0) this.#adopt();
    else setTimeout(() => this.#adopt(), rest).unref();
  }

  /** Another supervisor watches this process, and starts the next engine as this one was started. */
  #adopt(): void {
    this.#adopted = performance.now();
    const { decider, supervision, log } = this.#options;
    const [own, its] = socketPair();
    const setup: AdoptionSetup = {
      command: [process.execPath, ...process.execArgv, ...process.argv.slice(1)],
      failure: supervision.failure,
      reportsThreads: createDecider(decider).namesThreads,
      pid: process.pid,
      isReady: this.#isAnswering,
    };
    const module = fileURLToPath(import.meta.resolve('./adopt.ts'));
    const child = spawn(process.execPath, [...process.execArgv, module, JSON.stringify(setup)], {
      stdio: ['ignore', 'inherit', 'inherit', supervision.group, its.fd],
      detached: true,
    });
    child.on('error', (error) => log(`no other supervisor: ${error.message}`));
    child.unref();
    its.close();
    replaceDescriptor(this.heartbeat, own.fd);
    this.#link = new SupervisorLink(own.fd, () => this.#lost());
  }
}

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { openPermissionGroup, PermissionGroup } from '@assay/linux/fanotify';
import { lastToBeKilled, socketPair } from '@assay/linux/process';
import type { FailureMode } from '../gate/messages.ts';
import type { KeeperSetup } from './keeper.ts';
import { KeeperWords } from './keeper-words.ts';
import { END, GO, READY, supervisedEnvironment, WATCHING } from './supervision.ts';

/** An engine that does not beat for so long is taken for hung, and killed. It beats twice a second. */
const STALL_LIMIT_MS = 3000;
/** Between an engine's start and its readiness nothing beats; on a machine as busy as at its boot that takes its time. */
const START_LIMIT_MS = 120_000;
const PAUSE_MS = 200;
const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;
/** Where the engine finds the descriptors. */
const GROUP = 3;
const SOCKET = 4;

export interface SupervisorOptions {
  /** Program and arguments of the engine. */
  readonly command: readonly [string, ...string[]];
  readonly failure: FailureMode;
  /** Whether the policy asks about openings, so that events have to name threads. */
  readonly reportsThreads: boolean;
  /** A group that was kept for this supervisor, and for which events may wait that nobody answers. */
  readonly group?: number;
  /** Called with the group that it holds. */
  readonly holds?: (group: number) => void;
  /** Called each time that an engine has taken over, and watches. */
  readonly answered?: () => void;
  /** An engine that runs already and lost its supervisor. */
  readonly running?: RunningEngine;
  readonly log: (line: string) => void;
}

interface RunningEngine {
  readonly pid: number;
  readonly socket: number;
  /** It answers already. */
  readonly isReady: boolean;
}

/** An engine that is watched, started by this process or by another one. */
interface Watched {
  readonly pid: number;
  readonly socket: Socket;
  readonly child: ChildProcess | undefined;
  /** Code that it ended with by itself; undefined where it was killed or is not a child. */
  readonly ended: Promise<number | undefined>;
  lastSign: number;
  isReady: boolean;
}

/**
 * Starts an engine and holds its fanotify group. When the engine dies or hangs, what waits is answered at once, let go or
 * refused as the failure mode says, and another engine gets the same group. Ends when an engine ends by itself.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #group: number;
  readonly #words = new KeeperWords();
  readonly #keeper: Worker;
  #engine: Watched | undefined;
  /** Over when the keeper has left the events to the engine. */
  #handedOver: Promise<void> = Promise.resolve();
  #stopping = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#group = options.group ?? openPermissionGroup(options.reportsThreads);
    const setup: KeeperSetup = {
      group: this.#group,
      words: this.#words.memory,
      failure: options.failure,
    };
    this.#keeper = new Worker(new URL('./keeper.ts', import.meta.url), { workerData: setup });
  }

  /** @returns exit code of the engine that ended by itself */
  async run(): Promise<number> {
    this.#holdOn();
    this.#options.holds?.(this.#group);
    if (this.#options.group !== undefined && this.#options.running?.isReady !== true) await this.#answerMeanwhile();
    const forward = (signal: NodeJS.Signals): void => {
      this.#stopping = true;
      if (this.#engine !== undefined) kill(this.#engine.pid, signal);
    };
    for (const signal of SIGNALS) process.on(signal, forward);
    try {
      return await this.#keepRunning();
    } finally {
      for (const signal of SIGNALS) process.off(signal, forward);
      this.#words.end();
      await this.#keeper.terminate();
      // Whoever else keeps the group may not let go of it at once. One that was adopted may be ended because of the first
      // one's death, by a service manager that starts both anew.
      if (this.#options.running === undefined) new PermissionGroup(this.#group).unmarkAll();
    }
  }

  /** Memory is not locked (mlockall(2)): V8 ends the process where it cannot give pages back, which locked ones are not. */
  #holdOn(): void {
    try {
      lastToBeKilled();
    } catch (error) {
      this.#options.log(`oom_score_adj: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  async #keepRunning(): Promise<number> {
    const { running } = this.#options;
    let wasReady = running?.isReady === true;
    for (let adopted = running; ; adopted = undefined) {
      const engine = adopted === undefined ? await this.#started() : adoptedEngine(adopted);
      this.#engine = engine;
      // The signal came between two engines.
      if (this.#stopping) kill(engine.pid, 'SIGTERM');
      const code = await this.#watch(engine);
      wasReady ||= engine.isReady;
      if (this.#stopping) return code ?? 1;
      if (code !== undefined && (code === 0 || !wasReady)) return code;
      await this.#answerMeanwhile();
      await delay(PAUSE_MS);
    }
  }

  async #started(): Promise<Watched> {
    const [own, its] = socketPair();
    const [program, ...given] = this.#options.command;
    const env = supervisedEnvironment({ group: GROUP, socket: SOCKET, failure: this.#options.failure });
    const stdio = ['inherit', 'inherit', 'inherit', this.#group, its.fd] as const;
    const child = spawn(program, given, { stdio: [...stdio], env });
    its.close();
    await once(child, 'spawn');
    const ended = once(child, 'exit').then(([code]: (number | null)[]) => code ?? undefined);
    return watched(child.pid ?? 0, own.fd, ended, child);
  }

  /** @returns its exit code; undefined where it was killed, or hung and was killed */
  async #watch(engine: Watched): Promise<number | undefined> {
    engine.socket.on('data', (bytes) => {
      engine.lastSign = performance.now();
      if (bytes.includes(READY)) this.#handedOver = this.#handOver(engine);
      if (bytes.includes(WATCHING)) this.#options.answered?.();
    });
    const check = setInterval(() => {
      const silent = performance.now() - engine.lastSign;
      if (silent > (engine.isReady ? STALL_LIMIT_MS : START_LIMIT_MS)) kill(engine.pid, 'SIGKILL');
    }, 250);
    try {
      return await engine.ended;
    } finally {
      clearInterval(check);
      engine.socket.destroy();
      await this.#handedOver; // The keeper cannot be told to work before it has rested.
    }
  }

  /** Two readers at once could mistake each other's descriptors, so this one stops first. */
  async #handOver(engine: Watched): Promise<void> {
    if (this.#words.works) {
      this.#words.rest();
      await this.#told('rested');
    }
    engine.isReady = true;
    engine.socket.write(Uint8Array.of(GO));
  }

  async #answerMeanwhile(): Promise<void> {
    const { failure, log } = this.#options;
    if (!this.#words.works) {
      this.#words.work();
      await this.#told('begun');
    }
    log(`openings are ${failure === 'open' ? 'allowed' : 'refused'} until an engine answers`);
  }

  async #told(what: 'begun' | 'rested'): Promise<void> {
    const told = Promise.withResolvers<void>();
    const hear = (message: unknown): void => {
      if (message === what) told.resolve();
    };
    this.#keeper.on('message', hear);
    await told.promise;
    this.#keeper.off('message', hear);
  }
}

function watched(pid: number, fd: number, ended: Watched['ended'], child?: ChildProcess): Watched {
  const socket = new Socket({ fd, readable: true, writable: true });
  socket.on('error', () => socket.destroy());
  return { pid, socket, child, ended, lastSign: performance.now(), isReady: false };
}

/** It is gone when its end of the socket is closed; whether in order, it says itself. */
function adoptedEngine({ pid, socket, isReady }: RunningEngine): Watched {
  const ended = Promise.withResolvers<number | undefined>();
  const engine = watched(pid, socket, ended.promise);
  engine.socket.on('data', (bytes) => {
    if (bytes.includes(END)) ended.resolve(0);
  });
  engine.socket.once('close', () => ended.resolve(undefined));
  return { ...engine, isReady };
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // ESRCH: it ended meanwhile.
  }
}

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ServiceListener } from '@assay/testkit/service';
import { ASSAY, ROOT } from './assay.ts';

export interface Service {
  readonly child: ChildProcess;
  output: string;
  /** With all processes that it started. */
  readonly ended: Promise<unknown>;
}

/** As systemd starts a service: with its own process id in the environment, and what was kept as descriptor 3. */
export function startService(words: readonly string[], environment: NodeJS.ProcessEnv, kept?: number): Service {
  const script = 'export SYSTEMD_EXEC_PID=$$ LISTEN_PID=$$; exec "$0" "$@"';
  const stdio = ['ignore', 'pipe', 'pipe', ...(kept === undefined ? [] : [kept])] as const;
  const child = spawn('/bin/sh', ['-c', script, process.execPath, ASSAY, 'engine', 'run', ...words], {
    stdio: [...stdio],
    env: { ...process.env, ...environment },
  });
  const service: Service = { child, output: '', ended: once(child, 'close') };
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (part: string) => (service.output += part));
  }
  return service;
}

export interface EngineProcess {
  readonly pid: number;
  readonly role: 'supervisor' | 'engine';
}

/** The processes of an engine, whoever started them: those with this text in their environment. */
export function engineProcesses(mark: string): EngineProcess[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids.flatMap((pid) => {
    const environment = procFile(pid, 'environ');
    if (!environment.includes(mark)) return [];
    const isAdopter = procFile(pid, 'cmdline').includes('adopt.ts');
    const isEngine = environment.includes('ASSAY_ENGINE_SUPERVISION=') && !isAdopter;
    return [{ pid: Number(pid), role: isEngine ? 'engine' : 'supervisor' }];
  });
}

/** Empty for a process that has ended. */
function procFile(pid: string, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'latin1');
  } catch {
    return '';
  }
}

export function killed(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

/** An engine with a supervisor, of whose processes some are killed. */
export interface Victims extends AsyncDisposable {
  /** In the environment of all processes (`engineProcesses`). */
  readonly mark: string;
  /** What they have said. */
  readonly output: string;
  /** Somebody starts it anew when all processes are dead. */
  readonly isService: boolean;
}

/** `assay engine run` without a service manager. */
export class Program implements Victims {
  readonly isService = false;
  readonly mark = `NOTIFY_SOCKET=@assay-test-${process.pid}`;
  readonly #service: Service;

  constructor(words: readonly string[]) {
    this.#service = startService(words, { NOTIFY_SOCKET: this.mark.split('=')[1] });
  }

  get output(): string {
    return this.#service.output;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { pid } of engineProcesses(this.mark)) killed(pid, 'SIGTERM');
    await this.#service.ended;
  }
}

/** TimeoutStopSec= of the unit. */
const STOP_MS = 20_000;

/** Seconds, as the unit says. */
function restartSeconds(): number {
  const unit = readFileSync(join(ROOT, 'packages/cli/systemd/assay-engine.service'), 'utf8');
  return Number(/^RestartSec=(\d+)$/m.exec(unit)?.[1]);
}

/**
 * `assay engine run` under what stands in for systemd: it keeps descriptors, and when the main process was killed, it ends
 * the others and starts the service anew (systemd.service(5): KillMode=control-group, Restart=on-failure).
 */
export class Unit implements Victims {
  readonly isService = true;
  readonly mark: string;
  readonly #words: readonly string[];
  readonly #listener = new ServiceListener();
  readonly #environment: Readonly<Record<string, string>>;
  readonly #timer: NodeJS.Timeout;
  readonly #starts: Service[] = [];
  readonly #over: Promise<void>;
  #kept: { readonly name: string; readonly fd: number } | undefined;
  #isStopping = false;

  constructor(words: readonly string[]) {
    this.#words = words;
    this.mark = `NOTIFY_SOCKET=${this.#listener.path}`;
    this.#environment = { NOTIFY_SOCKET: this.#listener.path };
    this.#timer = setInterval(() => this.#hear(), 10);
    this.#over = this.#keepRunning();
  }

  get output(): string {
    return this.#starts.map(({ output }) => output).join('');
  }

  #hear(): void {
    for (const { lines, descriptors } of this.#listener.take()) {
      const name = lines.find((line) => line.startsWith('FDNAME='))?.slice('FDNAME='.length) ?? '';
      if (lines.includes('FDSTORE=1') && this.#kept === undefined) this.#kept = { name, fd: descriptors[0] ?? -1 };
      else for (const fd of descriptors) closeSync(fd); // One is kept (FileDescriptorStoreMax=1).
      if (lines.includes('FDSTOREREMOVE=1') && name === this.#kept?.name) this.#forget();
    }
  }

  #forget(): void {
    if (this.#kept !== undefined) closeSync(this.#kept.fd);
    this.#kept = undefined;
  }

  async #keepRunning(): Promise<void> {
    for (;;) {
      const kept = this.#kept;
      const names = kept === undefined ? {} : { LISTEN_FDS: '1', LISTEN_FDNAMES: kept.name };
      const service = startService(this.#words, { ...this.#environment, ...names }, kept?.fd);
      this.#starts.push(service);
      await once(service.child, 'exit');
      await this.#endOthers();
      this.#hear();
      if (this.#isStopping || service.child.signalCode === null) return;
      await delay(restartSeconds() * 1000);
      if (this.#isStopping) return;
    }
  }

  async #endOthers(): Promise<void> {
    const left = (): EngineProcess[] => engineProcesses(this.mark);
    for (const { pid } of left()) for (const signal of ['SIGTERM', 'SIGCONT'] as const) killed(pid, signal);
    for (const end = Date.now() + STOP_MS; Date.now() < end && left().length > 0; ) await delay(100);
    for (const { pid } of left()) killed(pid, 'SIGKILL');
  }

  /** As `systemctl stop`. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    for (const { pid } of engineProcesses(this.mark)) killed(pid, 'SIGTERM');
    await this.#over;
    clearInterval(this.#timer);
    this.#hear();
    this.#forget();
    this.#listener[Symbol.dispose]();
  }
}

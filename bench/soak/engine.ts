// `assay engine run` on a file system of the soak, in processes of its own.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { emptyPcr, parseBinaryList, replay } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { askEngine } from '@assay/engine/control';
import { connectSwtpm, Tpm } from '@assay/linux/tpm';

const ASSAY = join(import.meta.dirname, '../../packages/cli/bin/assay.js');
const START_LIMIT_MS = 120_000;
const STOP_LIMIT_MS = 60_000;

interface EngineOptions {
  readonly mount: string;
  readonly policy: string;
  readonly directory: string;
  readonly tpm: string;
  /** `open` or `closed` */
  readonly supervise: string;
  readonly updaters: readonly string[];
  /** After which it is killed, whatever happens: who waits for it then goes on. */
  readonly lifetime: number;
}

/** What a running engine tells of itself, as far as it is judged. */
interface EngineStatus {
  readonly pid: number;
  readonly entries: number;
  readonly lost: number;
}

export class SoakEngine {
  readonly #options: EngineOptions;
  readonly #child: ChildProcess;
  readonly #dog: ChildProcess;
  readonly #log: string[] = [];

  private constructor(options: EngineOptions) {
    this.#options = options;
    const { mount, policy, directory, tpm, supervise, updaters, lifetime } = options;
    const given = ['--watch', mount, '--policy', policy, '--directory', directory, '--tpm', `swtpm:unix:${tpm}`];
    const enforced = ['--mode', 'enforce', '--confirm-within', '0', '--supervise', supervise];
    const named = ['--relabel', 'updaters', ...updaters.flatMap((path) => ['--updater', path])];
    const all = [ASSAY, 'engine', 'run', ...given, ...enforced, ...named];
    this.#child = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'pipe'], detached: true });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.#log.push(line));
    }
    const group = this.#child.pid ?? 0;
    const script = `sleep ${Math.ceil(lifetime / 1000)}; kill -KILL -- -${group}`;
    this.#dog = spawn('/bin/sh', ['-c', script], { stdio: 'ignore', detached: true });
  }

  /** @throws Error with what it said, where it does not start */
  static async start(options: EngineOptions): Promise<SoakEngine> {
    const engine = new SoakEngine(options);
    for (const end = Date.now() + START_LIMIT_MS; Date.now() < end; await delay(200)) {
      if (engine.#child.exitCode !== null) break;
      if ((await engine.#asked())?.pid !== undefined) return engine;
    }
    await engine.stop();
    throw new Error(`the engine does not start: ${engine.#log.join('\n')}`);
  }

  /** @throws Error where it does not answer */
  async status(): Promise<EngineStatus> {
    const status = await this.#asked();
    if (status === undefined) throw new Error('the engine does not answer');
    return status;
  }

  async #asked(): Promise<EngineStatus | undefined> {
    const answer: unknown = await askEngine(this.#options.directory, { command: 'status' }).catch(() => undefined);
    return isAnswer(answer) ? answer.status : undefined;
  }

  /** Resident memory of engine and supervisor, bytes. */
  async memory(): Promise<{ readonly engine: number; readonly supervisor: number }> {
    const { pid } = await this.status();
    return { engine: resident(pid), supervisor: resident(this.#child.pid ?? 0) };
  }

  /** In order, or by SIGKILL if that takes too long. @returns whether it ended in order */
  async stop(): Promise<boolean> {
    const group = -(this.#child.pid ?? 0);
    const ended = this.#child.exitCode === null ? once(this.#child, 'exit') : Promise.resolve();
    this.#child.kill('SIGTERM');
    const late = delay(STOP_LIMIT_MS, 'late', { ref: false });
    if ((await Promise.race([ended, late])) === 'late') kill(group);
    kill(-(this.#dog.pid ?? 0));
    return this.#child.exitCode === 0;
  }

  /** Audit records of refusals, as the kernel words them. */
  refusals(): readonly string[] {
    return this.#log.flatMap((line) => /\brefused (pid=.*)$/.exec(line)?.[1] ?? []);
  }

  /** Whether the list of each bank replays to PCR 10, after the engine has ended. @returns the number of entries */
  async replayed(): Promise<{ readonly agrees: boolean; readonly entries: number }> {
    const tpm = new Tpm(await connectSwtpm(this.#options.tpm));
    try {
      let entries = 0;
      for (const bank of await tpm.activeBanks()) {
        const path = join(this.#options.directory, `binary_runtime_measurements_${bank}`);
        const list = parseBinaryList(new Uint8Array(readFileSync(path)), { bank }).entries;
        entries = list.length;
        const { value } = replay(nodeHasher, { bank, pcr: 10, value: emptyPcr(bank) }, list);
        const extended = (await tpm.readPcrs(bank, [10])).get(10) ?? new Uint8Array();
        if (Buffer.compare(value, extended) !== 0) return { agrees: false, entries };
      }
      return { agrees: true, entries };
    } finally {
      await tpm.close();
    }
  }
}

function isAnswer(value: unknown): value is { readonly status: EngineStatus } {
  return typeof value === 'object' && value !== null && 'done' in value && value.done === true && 'status' in value;
}

function resident(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]) * 1024;
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ESRCH: it has ended.
  }
}

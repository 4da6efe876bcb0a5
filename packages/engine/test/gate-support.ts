import assert from 'node:assert/strict';
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { createHash } from 'node:crypto';
import { appendFileSync, copyFileSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { toHex, utf8 } from '@assay/core/bytes';
import { setXattr } from '@assay/linux/xattr';
import type { DeciderSetup } from '../src/decision/setup.ts';
import type { AuditEvent } from '../src/decision/contract.ts';
import type { EntryDraft } from '../src/drafts.ts';
import { Gate, type GateOptions } from '../src/gate/gate.ts';
import { deciderSetup, type TestSetup } from './decision-support.ts';

/** Ends this process when the time is over, whatever hangs: who waits for its answers then goes on. */
export function watchdog(seconds: number): void {
  const script = `sleep ${seconds}; kill -9 ${process.pid}`;
  const dog = spawn('/bin/sh', ['-c', script], { stdio: 'ignore', detached: true });
  dog.unref();
  process.once('exit', () => {
    if (dog.pid !== undefined) process.kill(-dog.pid, 'SIGKILL');
  });
}

/** A gate whose entries are kept instead of listed. Use it with `await using`. */
export interface TestGate extends AsyncDisposable {
  readonly entries: EntryDraft[];
  readonly audits: AuditEvent[];
  /** Reasons of what was lost. */
  readonly lost: string[];
  readonly gate: Gate;
  /** From now on the list is slow: nothing is acknowledged before the function is called that this gives back. */
  slowList(): () => void;
  /** SHA-256 digests of a path that were listed, in their order; `violation` for those without one. */
  measured(path: string): string[];
}

/** Without a time of rest, so that what was opened twice is held. */
export const TURBO = { turbo: { files: 1000, rest: 0 } } satisfies Partial<GateOptions>;
/** The suites of attacks run in both ways (attacks-turbo.test.ts). */
export const isTurbo = process.env['ASSAY_TEST_TURBO'] === '1';

export async function openGate(
  mounts: readonly string[],
  policy: TestSetup | DeciderSetup,
  options: Partial<GateOptions> = {},
): Promise<TestGate> {
  const decider = 'rules' in policy ? policy : { ...deciderSetup(policy), relabel: 'updaters' as const };
  const gate = await Gate.start({ mounts, decider, ...(isTurbo ? TURBO : {}), ...options });
  const entries: EntryDraft[] = [];
  const audits: AuditEvent[] = [];
  const lost: string[] = [];
  let acknowledge = (sequence: number): void => gate.acknowledge(sequence);
  const slowList = (): (() => void) => {
    const kept: number[] = [];
    const before = acknowledge;
    acknowledge = (sequence) => void kept.push(sequence);
    return () => {
      acknowledge = before;
      for (const sequence of kept) before(sequence);
    };
  };
  gate.connect({
    message: (message) => {
      if (message.kind === 'lost') lost.push(message.reason);
      if (message.kind === 'decided') {
        entries.push(...message.entries);
        audits.push(...message.audits);
      }
      acknowledge(message.sequence);
    },
    ended: (error) => assert.ifError(error),
  });
  const measured = (path: string): string[] => {
    const name = toHex(utf8(path));
    const of = entries.filter(({ fields }) => toHex(fields.name ?? new Uint8Array()) === name);
    return of.map(({ fields, violation }) =>
      violation === true ? 'violation' : toHex(fields.digest?.value ?? utf8('')),
    );
  };
  return { entries, audits, lost, gate, slowList, measured, [Symbol.asyncDispose]: () => gate.stop() };
}

/** A process that does on the watched mounts what this one must not wait for. Use it with `using`. */
export class Attacker implements Disposable {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #answers: AsyncIterator<string>;

  /** @param prefix a program and its arguments that start another one, such as `unshare` */
  constructor(...prefix: readonly string[]) {
    const node = [process.execPath, fileURLToPath(import.meta.resolve('./attacker.ts'))];
    const [program = '', ...given] = [...prefix, ...node];
    this.#child = spawn(program, given);
    this.#child.stderr.pipe(process.stderr);
    this.#answers = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** @throws Error with what went wrong there */
  async does(action: string, ...given: readonly string[]): Promise<string | number> {
    this.#child.stdin.write(`${JSON.stringify([action, ...given])}\n`);
    const next = await this.#answers.next();
    if (next.done === true) throw new Error('the process ended');
    const answer: unknown = JSON.parse(next.value);
    if (isAnswer(answer)) return answer.result;
    throw new Error(`${action}: ${next.value}`);
  }

  run(program: string, ...given: readonly string[]): Promise<string | number> {
    return this.does('run', program, ...given);
  }

  [Symbol.dispose](): void {
    this.#child.kill('SIGKILL');
  }
}

function isAnswer(answer: unknown): answer is { readonly result: string | number } {
  return typeof answer === 'object' && answer !== null && 'result' in answer;
}

const TAIL = 3 * 4096;
/** Longer than the time for which the engine remembers nothing of a file that changed (settled.ts). */
const SETTLED_MS = 30;

/** A program that does nothing, with some pages behind it that may change. What is found of it can be remembered. */
export function writeProgram(path: string, content = ''): string {
  copyFileSync('/bin/true', path);
  appendFileSync(path, content.padEnd(TAIL, '#'));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, SETTLED_MS);
  return path;
}

export function digestOf(path: string): string {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

/** Gives a file the hash label that fits it now. */
export function labelNow(path: string): void {
  setXattr(Buffer.from(path), 'security.ima', Buffer.from(`0404${digestOf(path)}`, 'hex'));
}

import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { cannotMount, mountExt4 } from '@assay/testkit/mounts';
import { Attacker, labelNow, watchdog, writeProgram } from './gate-support.ts';
import { eventually, scratchDirectory, startTpm, type TestTpm } from './support.ts';

const skip = cannotMount() ?? false;
if (skip === false) watchdog(290);
const LIMIT = { skip, timeout: 120_000 };
/** Milliseconds that nobody may wait for longer, whatever is killed. On a machine with nothing else to do 5000 hold. */
const HANG_MS = Number(process.env['ASSAY_HANG_MS'] ?? Infinity);

/** Supervisor and engine, in processes of their own. */
class Supervised implements AsyncDisposable {
  readonly supervisor: ChildProcess;
  /** The newest engine. */
  engine: number | undefined;
  readonly engines: number[] = [];
  readonly lines: string[] = [];

  constructor(machine: TestTpm, directory: string, mount: string, failure: 'open' | 'closed') {
    const script = fileURLToPath(import.meta.resolve('./supervised-engine.ts'));
    const given = ['supervise', machine.socketPath ?? '', directory, mount, failure];
    this.supervisor = spawn(process.execPath, [script, ...given], { stdio: ['ignore', 'pipe', 'pipe'] });
    const { stdout, stderr } = this.supervisor;
    if (stdout === null || stderr === null) throw new Error('no output');
    createInterface({ input: stderr }).on('line', (line) => this.lines.push(line));
    createInterface({ input: stdout }).on('line', (line) => {
      this.lines.push(line);
      const pid = /^engine (\d+)$/.exec(line)?.[1];
      if (pid === undefined) return;
      this.engine = Number(pid);
      this.engines.push(this.engine);
    });
  }

  /** Until so many engines have answered. */
  async ready(count: number): Promise<void> {
    try {
      await eventually(`engine ${count} answers`, () => this.engines.length >= count);
    } catch (error) {
      throw new Error(`the last that was said:\n${this.lines.slice(-10).join('\n')}`, { cause: error });
    }
  }

  kill(signal: NodeJS.Signals): void {
    if (this.engine !== undefined && isAlive(this.engine)) process.kill(this.engine, signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const isOver = (): boolean => this.supervisor.exitCode !== null || this.supervisor.signalCode !== null;
    if (isOver()) {
      // Another supervisor hears the engine end.
      this.kill('SIGTERM');
      await eventually('the engine is gone', () => this.engine === undefined || !isAlive(this.engine));
    } else {
      this.supervisor.kill('SIGTERM');
      await once(this.supervisor, 'exit');
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

interface Setting extends AsyncDisposable {
  readonly machine: TestTpm;
  readonly directory: string;
  readonly supervised: Supervised;
  readonly attacker: Attacker;
  /** Has the label that fits it. */
  readonly good: string;
  /** Has none. */
  readonly bad: string;
}

async function setting(failure: 'open' | 'closed'): Promise<Setting> {
  const stack = new AsyncDisposableStack();
  const machine = stack.use(await startTpm('swtpm'));
  // The engine is to have the only connection.
  await machine.tpm.close();
  const mount = stack.use(mountExt4());
  const directory = stack.use(scratchDirectory()).path;
  const [good, bad] = ['good', 'bad'].map((name) => writeProgram(join(mount.path, name), name));
  labelNow(good ?? '');
  const attacker = stack.use(new Attacker());
  const supervised = stack.use(new Supervised(machine, directory, mount.path, failure));
  await supervised.ready(1);
  const dispose = (): Promise<void> => stack.disposeAsync();
  return { machine, directory, supervised, attacker, good: good ?? '', bad: bad ?? '', [Symbol.asyncDispose]: dispose };
}

/** On a busy machine an engine may answer too late, and then as if there were none. */
async function becomes(attacker: Attacker, program: string, result: string | number): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end; await delay(100)) {
    if ((await attacker.run(program)) === result) return;
  }
  throw new Error(`${program} never ends with ${result}`);
}

test('failing closed, nothing runs without an engine that answers, and the next one goes on', LIMIT, async () => {
  await using at = await setting('closed');
  await becomes(at.attacker, at.good, 0);
  assert.equal(await at.attacker.run(at.bad), 'EPERM');
  for (const signal of ['SIGKILL', 'SIGSTOP'] as const) {
    await refusesAfter(signal, at);
    await becomes(at.attacker, at.good, 0);
    assert.equal(await at.attacker.run(at.bad), 'EPERM');
  }
});

/** On a busy machine another engine may have taken the place of the one that is killed or stopped, and answers. */
async function refusesAfter(
  signal: 'SIGKILL' | 'SIGSTOP',
  { supervised, attacker, good, bad }: Setting,
): Promise<void> {
  for (const end = Date.now() + 60_000; Date.now() < end; ) {
    const before = supervised.engines.length;
    supervised.kill(signal);
    const start = performance.now();
    const result = await attacker.run(good);
    assert.ok(performance.now() - start < HANG_MS);
    assert.equal(await attacker.run(bad), 'EPERM');
    await supervised.ready(before + 1);
    if (result === 'EPERM') return;
  }
  throw new Error(`an engine answers in spite of ${signal}`);
}

test('failing open, everything runs until the next engine answers', LIMIT, async () => {
  await using at = await setting('open');
  await becomes(at.attacker, at.bad, 'EPERM');
  at.supervised.kill('SIGSTOP');
  const start = performance.now();
  assert.equal(await at.attacker.run(at.bad), 0);
  assert.ok(performance.now() - start < HANG_MS);
  await at.supervised.ready(2);
  await becomes(at.attacker, at.bad, 'EPERM');
});

test('failing closed, an engine without a supervisor starts another one', LIMIT, async () => {
  await using at = await setting('closed');
  at.supervised.supervisor.kill('SIGKILL');
  await eventually('it is noticed', () => at.supervised.lines.includes('the supervisor is gone'));
  await becomes(at.attacker, at.good, 0);
  assert.equal(await at.attacker.run(at.bad), 'EPERM');
  await eventually('another one watches', () =>
    at.supervised.lines.some((line) => /^process \d+ supervises/.test(line)),
  );
  await refusesAfter('SIGKILL', at);
  await becomes(at.attacker, at.good, 0);
  assert.equal(await at.attacker.run(at.bad), 'EPERM');
});

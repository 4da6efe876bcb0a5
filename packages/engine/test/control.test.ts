import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { afterEach, mock, test } from 'node:test';
import type { AppraiseMode } from '@assay/core/appraisal';
import { utf8 } from '@assay/core/bytes';
import { AuditLog, type Engine, type EngineStatus } from '@assay/engine';
import { askEngine, Operator, serveControl } from '@assay/engine/control';
import type { AuditEvent } from '../src/decision/contract.ts';
import type { DeciderSetup } from '../src/decision/setup.ts';
import { parseRequest } from '../src/control/protocol.ts';
import { scratchDirectory } from './support.ts';

afterEach(() => mock.timers.reset());

/** An engine of which only mode and pause matter here; those that answer events are in policy-engine.test.ts. */
class IdleEngine implements Engine {
  readonly directory: string;
  readonly changes: string[] = [];
  #mode: AppraiseMode;
  #paused = false;

  constructor(directory: string, mode: AppraiseMode = 'enforce') {
    this.directory = directory;
    this.#mode = mode;
  }

  status(): EngineStatus {
    const counts = { entries: 3, violations: 0, lost: 0 };
    const rest = {
      mode: 'permission',
      rules: [],
      audits: [],
      mounts: ['/mnt'],
      watching: true,
      problem: undefined,
    } as const;
    return { ...counts, ...rest, appraise: this.#mode, paused: this.#paused };
  }

  setMode(mode: AppraiseMode, reason: string): void {
    this.#mode = mode;
    this.changes.push(`${mode} ${reason}`);
  }

  setPaused(paused: boolean, reason: string): void {
    if (this.#paused === paused) return;
    this.#paused = paused;
    this.changes.push(`${paused ? 'paused' : 'resumed'} ${reason}`);
  }

  load(_decider: DeciderSetup, policy: string): Promise<void> {
    this.changes.push(`loaded ${policy}`);
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }
}

test('enforce becomes log again unless somebody confirms in time', () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  for (const confirms of [false, true]) {
    const engine = new IdleEngine('/none');
    const operator = new Operator(engine, { confirmWithin: 300 });
    assert.ok(operator.status().confirmBy !== undefined);
    mock.timers.tick(299_000);
    if (confirms) assert.equal(operator.handle({ command: 'confirm' }).confirmBy, undefined);
    mock.timers.tick(2000);
    assert.deepEqual(engine.changes, confirms ? [] : ['log not confirmed']);
    assert.equal(operator.status().confirmBy, undefined);
    operator.end();
  }
});

test('each change to enforce has to be confirmed; other modes, and machines that nobody watches, need not', () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const engine = new IdleEngine('/none', 'log');
  const operator = new Operator(engine, { confirmWithin: 10 });
  assert.equal(operator.status().confirmBy, undefined);
  operator.handle({ command: 'mode', mode: 'enforce' });
  mock.timers.tick(10_000);
  operator.handle({ command: 'mode', mode: 'enforce' });
  operator.handle({ command: 'mode', mode: 'fix' });
  mock.timers.tick(20_000);
  assert.deepEqual(engine.changes, ['enforce operator', 'log not confirmed', 'enforce operator', 'fix operator']);
  const alone = new Operator(new IdleEngine('/none'), { confirmWithin: 0 });
  assert.equal(alone.status().confirmBy, undefined);
});

test('a pause ends by itself, or when it is asked to', () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const engine = new IdleEngine('/none', 'log');
  const operator = new Operator(engine, { confirmWithin: 10 });
  assert.ok(operator.handle({ command: 'pause', seconds: 60 }).pausedUntil !== undefined);
  mock.timers.tick(60_000);
  operator.handle({ command: 'pause', seconds: 60 });
  operator.handle({ command: 'resume' });
  mock.timers.tick(60_000);
  assert.deepEqual(engine.changes, ['paused operator', 'resumed time is over', 'paused operator', 'resumed operator']);
});

const refused: [string, string][] = [
  ['no JSON', 'status'],
  ['no object', '["status"]'],
  ['an unknown command', '{"command":"stop"}'],
  ['a member too many', '{"command":"status","seconds":1}'],
  ['a pause without an end', '{"command":"pause"}'],
  ['a pause of no time', '{"command":"pause","seconds":0}'],
  ['a pause of part of a second', '{"command":"pause","seconds":0.5}'],
  ['a pause of more than a day', '{"command":"pause","seconds":86401}'],
  ['an unknown mode', '{"command":"mode","mode":"permissive"}'],
  ['a load of nothing', '{"command":"load"}'],
  ['a load by a relative path', '{"command":"load","path":"policy"}'],
  ['a load by a path with a zero', '{"command":"load","path":"/p\\u0000"}'],
  ['a command that is there twice', '{"command":"pause","command":"status"}'],
];
for (const [what, line] of refused) {
  test(`a request is refused that is ${what}`, () => {
    assert.throws(() => parseRequest(utf8(line)), { name: 'FormatError', code: 'ENGINE-REQUEST' });
  });
}

test('an engine answers on its socket, which is for its owner alone', { timeout: 120_000 }, async () => {
  using directory = scratchDirectory();
  const engine = new IdleEngine(directory.path);
  const operator = new Operator(engine, { confirmWithin: 0 });
  writeFileSync(join(directory.path, 'control'), 'left over');
  const end = await serveControl(directory.path, (request) => operator.answer(request));
  try {
    assert.equal(statSync(join(directory.path, 'control')).mode & 0o777, 0o600);
    const answer = await askEngine(directory.path, { command: 'mode', mode: 'log' });
    const status: unknown = JSON.parse(JSON.stringify(operator.status()));
    assert.deepEqual(answer, { done: true, status });
    assert.deepEqual(engine.changes, ['log operator']);
    const noise = createConnection(join(directory.path, 'control'));
    noise.end('x'.repeat(20_000));
    const received: unknown[] = await once(noise.setEncoding('utf8'), 'data');
    assert.match(String(received[0]), /^\{"done":false,"reason":/);
  } finally {
    await end();
  }
  await assert.rejects(askEngine(directory.path, { command: 'status' }), { code: 'ENGINE-UNREACHABLE' });
});

const event: AuditEvent = {
  kind: 'integrity',
  type: 'INTEGRITY_DATA',
  text: 'pid=1 op=appraise_data',
  pid: 1,
  path: Uint8Array.of(0x2f, 0x0a, 0xff),
  cause: 'missing-hash',
  denied: true,
};

test('audit records are lines of JSON; what the journal does not take is counted, and not waited for', () => {
  using directory = scratchDirectory();
  const taken: number[] = [];
  const journal = {
    kind: 'journal',
    write: (priority: number) => taken.push(priority) < 2,
    close: () => undefined,
  } as const;
  const log = new AuditLog(directory.path, journal);
  log.write(event);
  log.write({ ...event, denied: false });
  log.close();
  assert.deepEqual(taken, [4, 5]);
  assert.equal(log.dropped, 1);
  const lines = readFileSync(join(directory.path, 'audit.jsonl'), 'utf8').trimEnd().split('\n');
  const [first] = lines.map((line): unknown => JSON.parse(line));
  assert.ok(typeof first === 'object' && first !== null && 'time' in first);
  assert.deepEqual(
    { ...first, time: '' },
    {
      time: '',
      type: 'INTEGRITY_DATA',
      kind: 'integrity',
      denied: true,
      pid: 1,
      path: '/\\x0a\\xff',
      cause: 'missing-hash',
      text: 'pid=1 op=appraise_data',
    },
  );
  assert.equal(lines.length, 2);
});

test('a file of audit records that is large enough gives way to a new one', () => {
  using directory = scratchDirectory();
  mkdirSync(directory.path, { recursive: true });
  writeFileSync(join(directory.path, 'audit.jsonl'), Buffer.alloc(16 * 1024 * 1024 + 1, 0x20));
  const log = new AuditLog(directory.path, { kind: 'syslog', write: () => true, close: () => undefined });
  log.write(event);
  log.close();
  assert.equal(statSync(join(directory.path, 'audit.jsonl.1')).size, 16 * 1024 * 1024 + 1);
  assert.equal(readFileSync(join(directory.path, 'audit.jsonl'), 'utf8').split('\n').length, 2);
});

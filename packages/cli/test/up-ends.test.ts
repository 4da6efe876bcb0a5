import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { test, type TestContext } from 'node:test';
import { cannotMount, mountTmpfs } from '@assay/testkit/mounts';
import { ASSAY, assay, launch, scratch } from './assay.ts';
import { engineList, entriesOf, eventually, isRunning, startUp, stopUp } from './up.ts';

const noRoot = cannotMount();

function tmpfs(t: TestContext): string {
  const mount = mountTmpfs();
  t.after(() => mount[Symbol.dispose]());
  return mount.path;
}

/** The smallest run that needs no privilege. */
const FLEET = ['--fleet'];

test('a port that is taken is PORT-TAKEN, exit code 3; nothing else has started, and the state is free again', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const state = `${scratch(t)}/state`;
  const { code, stdout, stderr } = await assay(['up', '--port', String(address.port), '--state', state]);
  assert.deepEqual({ code, stdout }, { code: 3, stdout: '' });
  assert.match(stderr, /^error PORT-TAKEN: 127\.0\.0\.1:\d+ is in use\nwhat to do .*--port\.\n$/);
  const names = readdirSync(state);
  for (const name of ['engine', 'tpm', 'agent.json', 'tpm-simulated.json']) assert.ok(!names.includes(name), name);
  const up = await startUp(t, FLEET, { state });
  assert.equal((await stopUp(up)).code, 0);
});

test('a second assay up on the same state directory is STATE-IN-USE, exit code 3', async (t) => {
  const up = await startUp(t, FLEET);
  const { code, stdout, stderr } = await assay(['up', '--port', '0', '--state', up.state, ...FLEET]);
  assert.deepEqual({ code, stdout }, { code: 3, stdout: '' });
  assert.match(stderr, /^error STATE-IN-USE: .*\nwhat to do .*--state/);
  assert.equal((await up.ask('hosts', 'get')).code, 1, 'the first one goes on');
  assert.equal((await stopUp(up)).code, 0);
});

for (const name of ['SIGTERM', 'SIGHUP'] as const) {
  test(`${name} ends assay up in order`, async (t) => {
    const up = await startUp(t, FLEET);
    up.signal(name);
    const { code, stderr } = await up.ended;
    assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
  });
}

test('a signal during the start ends it in order too', async (t) => {
  const { child, output, ended } = launch(['up', '--port', '0', '--state', `${scratch(t)}/state`, ...FLEET]);
  t.after(() => child.kill('SIGKILL'));
  await eventually('it has begun', () => output.stdout.includes('assay '));
  child.kill('SIGINT');
  const { code, stderr } = await ended;
  assert.deepEqual({ code, stderr }, { code: 0, stderr: '' });
});

test('damaged state is STATE-FORMAT, exit code 3, and says what to do', async (t) => {
  const state = scratch(t);
  writeFileSync(`${state}/tokens.json`, '{"schema":"assay.tokens.v1"');
  const { code, stderr } = await assay(['up', '--port', '0', '--state', state, ...FLEET]);
  assert.equal(code, 3);
  assert.match(stderr, /^error STATE-FORMAT: .*tokens\.json is not what `assay up` writes\nwhat to do /);
});

test('a place that cannot be watched ends the start: ENGINE-MOUNT, exit code 3, state free again', {
  skip: noRoot ?? false,
}, async (t) => {
  const state = `${scratch(t)}/state`;
  const args = ['up', '--port', '0', '--state', state, '--tpm', 'simulated'];
  for (const wrong of [
    ['--watch', `${state}/none`],
    ['--watch', state, '--permission'],
    ['--watch', '/', '--permission'],
  ]) {
    const { code, stderr } = await assay([...args, ...wrong]);
    assert.equal(code, 3, stderr);
    assert.match(stderr, /^error ENGINE-MOUNT: .*\nwhat to do /);
  }
});

test('a TPM that is not there ends the start: TPM-UNREACHABLE, exit code 4', { skip: noRoot ?? false }, async (t) => {
  const directory = scratch(t);
  for (const tpm of [`device:${directory}/none`, `swtpm:${directory}/none`]) {
    const args = ['up', '--port', '0', '--state', `${directory}/state`, '--tpm', tpm, '--watch', tmpfs(t)];
    const { code, stderr } = await assay(args);
    assert.match(stderr, /^error TPM-UNREACHABLE: .*\nwhat to do /);
    assert.equal(code, 4);
  }
});

test('when the reader of its output ends, assay up ends in order, with its stop record', {
  skip: noRoot ?? false,
}, async (t) => {
  const state = `${scratch(t)}/state`;
  const { child, output, ended } = launch([
    'up',
    '--port',
    '0',
    '--state',
    state,
    '--tpm',
    'simulated',
    '--watch',
    tmpfs(t),
  ]);
  t.after(() => child.kill('SIGKILL'));
  await eventually('it is ready', () => output.stdout.includes('Ctrl-C stops'));
  child.stdout?.destroy();
  await eventually('it has ended', () => child.exitCode !== null);
  assert.deepEqual([(await ended).code, (await ended).stderr], [0, '']);
  assert.equal((await entriesOf(engineList(state))).at(-1)?.kind, 'engine-stop');
});

/** A command in a terminal of its own (script of util-linux). What is written to stdin is typed. */
function inTerminal(
  t: TestContext,
  command: string,
  cwd: string,
): { type(text: string): void; close(): void; shown(): string; ended: Promise<unknown> } {
  const child = spawn('script', ['-qec', command, '/dev/null'], { cwd, stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => child.kill('SIGKILL'));
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const ended = once(child, 'exit');
  return { type: (text) => child.stdin.write(text), close: () => child.kill('SIGKILL'), shown: () => output, ended };
}

const OLD_NODE = '/usr/bin/node';
const noOldNode = existsSync(OLD_NODE) ? undefined : `${OLD_NODE} is missing`;

for (const [how, command, missing] of [
  ['directly', (line: string) => `${process.execPath} ${line}`, undefined],
  ['by the Node of the machine', (line: string) => `${OLD_NODE} ${line}`, noOldNode],
  ['by npm', () => 'npm start --silent', undefined],
] as const) {
  test(`one Ctrl-C in a terminal stops assay up in order when it is started ${how}`, {
    skip: noRoot ?? missing ?? false,
  }, async (t) => {
    const cwd = scratch(t);
    const line = `${ASSAY} up --port 0 --state ${cwd}/state --tpm simulated --watch ${tmpfs(t)}`;
    writeFileSync(`${cwd}/package.json`, JSON.stringify({ scripts: { start: `exec ${process.execPath} ${line}` } }));
    const terminal = inTerminal(t, command(line), cwd);
    await eventually('it is ready', () => terminal.shown().includes('Ctrl-C stops'));
    terminal.type('\u0003');
    await terminal.ended;
    assert.match(terminal.shown(), /stopping/);
    assert.equal((await entriesOf(engineList(`${cwd}/state`))).at(-1)?.kind, 'engine-stop');
  });
}

test('when its terminal is closed, assay up ends in order, with its stop record', {
  skip: noRoot ?? false,
}, async (t) => {
  const cwd = scratch(t);
  const line = `${process.execPath} ${ASSAY} up --port 0 --state ${cwd}/state --tpm simulated --watch ${tmpfs(t)}`;
  const terminal = inTerminal(t, `echo $$ >${cwd}/pid; exec ${line}`, cwd);
  await eventually('it is ready', () => terminal.shown().includes('Ctrl-C stops'));
  const pid = Number(readFileSync(`${cwd}/pid`, 'utf8'));
  t.after(() => isRunning(pid) && process.kill(pid, 'SIGKILL'));
  terminal.close();
  await eventually('it has ended', () => !isRunning(pid));
  assert.equal((await entriesOf(engineList(`${cwd}/state`))).at(-1)?.kind, 'engine-stop');
});

test('in a terminal there is colour, and with NO_COLOR none', async (t) => {
  const escape = String.fromCharCode(27);
  for (const [env, coloured] of [
    ['', true],
    ['NO_COLOR=1 ', false],
    ['NO_COLOR= ', true],
  ] as const) {
    const terminal = inTerminal(t, `${env}${process.execPath} ${ASSAY} doctor --port 0`, scratch(t));
    await terminal.ended;
    assert.equal(terminal.shown().includes(escape), coloured, env);
  }
});

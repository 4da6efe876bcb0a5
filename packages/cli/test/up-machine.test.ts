import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, copyFileSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { cannotMount, mountTmpfs } from '@assay/testkit/mounts';
import { swtpmAvailable } from '@assay/testkit/swtpm';
import { ASSAY, assay, scratch, UNSAFE } from './assay.ts';
import { engineList, entriesOf, eventually, host, isRunning, startUp, stopUp, verdict, type Up } from './up.ts';

const TPM2_PCRREAD = '/usr/bin/tpm2_pcrread';
const swtpm = swtpmAvailable();
const noSwtpm = 'missing' in swtpm ? `swtpm is missing: ${swtpm.missing}` : undefined;
const noTools = existsSync(TPM2_PCRREAD) ? undefined : 'tpm2_pcrread is missing: apt-get install tpm2-tools';
const noRoot = cannotMount();

function tmpfs(t: TestContext): string {
  const mount = mountTmpfs();
  t.after(() => mount[Symbol.dispose]());
  return mount.path;
}

function runs(path: string): void {
  const { status, error } = spawnSync(path, { timeout: 120_000 });
  assert.equal(status, 0, error?.message);
}

/** A program of its own on the mount: that of `content` with some bytes behind its end. */
function program(directory: string, name: string, mark = ''): string {
  const path = `${directory}/${name}`;
  copyFileSync('/bin/true', path);
  if (mark !== '') appendFileSync(path, mark);
  return path;
}

/** The processes that have this one as parent. */
function childrenOf(pid: number): number[] {
  const tasks = readdirSync(`/proc/${pid}/task`);
  const texts = tasks.map((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'latin1'));
  return texts.flatMap((text) => text.trim().split(' ')).flatMap((child) => (child === '' ? [] : [Number(child)]));
}

/** PCR 10 of the swtpm that `assay up` named, by tpm2-tools. */
function pcr10(up: Up): string {
  const [, tcti] = /TPM2TOOLS_TCTI=(\S+)/.exec(up.stdout()) ?? [];
  assert.ok(tcti !== undefined, up.stdout());
  const { stdout, stderr } = spawnSync(TPM2_PCRREAD, ['-T', tcti, 'sha256:10'], { encoding: 'utf8' });
  const [, value] = /10\s*: 0x([0-9A-F]{64})/.exec(stdout) ?? [];
  assert.ok(value !== undefined, stderr);
  return value.toLowerCase();
}

test('this machine on swtpm: unverified, trusted after capture, failed by a tampered program, stopped in order', {
  skip: noRoot ?? noSwtpm ?? noTools ?? false,
}, async (t) => {
  const watched = tmpfs(t);
  const up = await startUp(t, ['--tpm', 'swtpm', '--watch', watched, '--name', 'here']);
  const [swtpmPid] = childrenOf(up.pid);
  assert.ok(swtpmPid !== undefined);
  assert.match(up.stdout(), /swtpm, a software TPM: root on this machine can copy its keys/);
  assert.ok(up.stdout().includes(`the engine: programs are measured as they start, on ${watched}`), up.stdout());
  assert.ok(!UNSAFE.test(up.stdout()));

  const before = await verdict(up, 'here', 'unverified');
  assert.deepEqual([before.host.tpm.kind, before.host.list.source], ['software', 'engine']);
  assert.equal((await up.ask('hosts', 'get')).code, 1);

  const good = program(watched, 'good');
  runs(good);
  await eventually('the program is in the list', async () => (await host(up, 'here')).host.list.entries >= 3);
  const captured = await up.ask('reference', 'capture', '--note', 'first');
  assert.deepEqual({ code: captured.code, stderr: captured.stderr }, { code: 0, stderr: '' });
  assert.match(captured.stdout, /^here: reference values version 1 with \d+ digests are active\.\ntrusted: .+\n$/);
  const trusted = await up.ask('hosts', 'get');
  assert.equal(trusted.code, 0, trusted.stdout);
  runs(good);

  const tampered = program(watched, 'tampered', 'x');
  runs(tampered);
  const failed = await verdict(up, 'here', 'failed');
  const [finding] = failed.findings;
  assert.equal(finding?.code, 'IMA-UNKNOWN-DIGEST');
  assert.equal(finding?.evidence.filenameHint, tampered);
  const shown = await up.ask('hosts', 'get', 'here');
  assert.equal(shown.code, 1);
  assert.match(shown.stdout, /^here {2}failed {2}evidence \d+ s ago\n/);
  assert.ok(shown.stdout.includes(`\nIMA-UNKNOWN-DIGEST  ${finding?.id}`) && shown.stdout.includes(tampered));
  assert.ok(!UNSAFE.test(shown.stdout));

  const verified = await assay(['log', 'verify', engineList(up.state), '--pcr', `sha256:10=${pcr10(up)}`]);
  assert.equal(verified.code, 0, verified.stdout);
  assert.match(verified.stdout, / matches\n$/);

  const last = pcr10(up);
  const stopped = await stopUp(up);
  assert.deepEqual({ code: stopped.code, stderr: stopped.stderr }, { code: 0, stderr: '' });
  const entries = await entriesOf(engineList(up.state));
  assert.equal(entries.at(-1)?.kind, 'engine-stop');
  assert.equal(entries.filter(({ kind }) => kind === 'engine-stop').length, 1);
  assert.match(Buffer.from(entries.at(-1)?.buffer ?? '', 'hex').toString(), /reason=assay up was stopped;/);
  // The PCR is gone with its TPM; what it held before the stop record is the list but for that record.
  const whole = await assay(['log', 'verify', engineList(up.state), '--pcr', `sha256:10=${last}`]);
  assert.match(whole.stdout, new RegExp(`matches after ${entries.length - 1} of ${entries.length} entries`));
  assert.ok(!isRunning(swtpmPid), 'swtpm has ended');
});

test('a second start on the same state is the same host, verified again, with its reference values', {
  skip: noRoot ?? noSwtpm ?? false,
}, async (t) => {
  const watched = tmpfs(t);
  const args = ['--tpm', 'swtpm', '--watch', watched, '--name', 'here'];
  const first = await startUp(t, args);
  const good = program(watched, 'good');
  const { host: before } = await verdict(first, 'here', 'unverified');
  runs(good);
  await eventually('it is in the list', async () => (await host(first, 'here')).host.list.entries >= 3);
  assert.equal((await first.ask('reference', 'capture')).code, 0);
  const tokens = readFileSync(`${first.state}/tokens.json`, 'utf8');
  assert.equal((await stopUp(first)).code, 0);

  const second = await startUp(t, args, { state: first.state });
  const { host: after } = await verdict(second, 'here', 'trusted');
  assert.deepEqual([after.id, after.name, after.enrolledAt], [before.id, 'here', before.enrolledAt]);
  assert.equal(after.reference?.version, 1);
  assert.ok((after.boot?.resetCount ?? 0) > (before.boot?.resetCount ?? 0), 'its TPM was reset in between');
  assert.doesNotMatch(second.stdout(), /enrols/);
  assert.equal(readFileSync(`${first.state}/tokens.json`, 'utf8'), tokens);
  runs(good);
  await eventually('it is in the new list', async () => (await host(second, 'here')).host.list.entries >= 3);
  assert.equal((await host(second, 'here')).host.verdict, 'trusted');
  assert.equal((await second.ask('hosts', 'get', '-o', 'json')).code, 0);
  const previous = await entriesOf(`${first.state}/engine/previous/binary_runtime_measurements_sha256`);
  assert.equal(previous.at(-1)?.kind, 'engine-stop', 'the list of the first run is kept with its stop record');
  assert.equal((await stopUp(second)).code, 0);
});

test('after SIGKILL swtpm is gone, and the next start is the same host with a new list', {
  skip: noRoot ?? noSwtpm ?? false,
}, async (t) => {
  const watched = tmpfs(t);
  const args = ['--tpm', 'swtpm', '--watch', watched, '--name', 'here'];
  const first = await startUp(t, args);
  const { host: before } = await verdict(first, 'here', 'unverified');
  const [swtpmPid] = childrenOf(first.pid);
  assert.ok(swtpmPid !== undefined);
  first.signal('SIGKILL');
  await first.ended;
  await eventually('swtpm has ended', () => !isRunning(swtpmPid));
  assert.notEqual((await entriesOf(engineList(first.state))).at(-1)?.kind, 'engine-stop');
  const second = await startUp(t, args, { state: first.state });
  const { host: after } = await verdict(second, 'here', 'unverified');
  assert.equal(after.id, before.id);
  assert.equal((await stopUp(second)).code, 0);
  assert.equal((await entriesOf(engineList(first.state))).at(-1)?.kind, 'engine-stop');
});

test('on the simulated TPM it says what that is worth, and attests, captures and keeps its host all the same', {
  skip: noRoot ?? false,
}, async (t) => {
  const watched = tmpfs(t);
  const args = ['--tpm', 'simulated', '--watch', watched, '--name', 'here'];
  const first = await startUp(t, args, { state: `${scratch(t)}/it's a state` });
  assert.match(first.stdout(), /simulated TPM: no hardware root of trust/);
  const { host: before } = await verdict(first, 'here', 'unverified');
  assert.equal(before.tpm.kind, 'simulated');
  const [, next] = /^ {2}next +npx assay (.*)$/m.exec(first.stdout()) ?? [];
  const captured = spawnSync('sh', ['-c', `"$0" "$1" ${next}`, process.execPath, ASSAY], {
    cwd: '/',
    encoding: 'utf8',
  });
  assert.equal(captured.status, 0, `the command that it names: ${captured.stderr}`);
  assert.equal((await stopUp(first)).code, 0);
  const second = await startUp(t, args, { state: first.state });
  const { host: after } = await verdict(second, 'here', 'trusted');
  assert.equal(after.id, before.id);
  assert.equal((await stopUp(second)).code, 0);
});

test('with --permission a program is in the list before it runs, and nothing hangs', {
  skip: noRoot ?? false,
}, async (t) => {
  const watched = tmpfs(t);
  const up = await startUp(t, ['--tpm', 'simulated', '--permission', '--watch', watched, '--name', 'here']);
  assert.match(up.stdout(), /measured before they run/);
  for (let number = 0; number < 5; number++) {
    const path = program(watched, `p${number}`, String(number));
    runs(path);
    assert.ok(readFileSync(engineList(up.state)).includes(path), `${path} is in the list as soon as it has run`);
  }
  assert.equal((await stopUp(up)).code, 0);
  runs(program(watched, 'afterwards'));
});

test('the files of the state are for their owner alone, in a directory that others may enter', {
  skip: noRoot ?? false,
}, async (t) => {
  const state = scratch(t);
  spawnSync('chmod', ['755', state]);
  const up = await startUp(t, ['--tpm', 'simulated', '--watch', tmpfs(t), '--name', 'here'], { state });
  await verdict(up, 'here', 'unverified');
  for (const name of readdirSync(state)) assert.equal(statSync(`${state}/${name}`).mode & 0o077, 0, name);
  assert.equal((await stopUp(up)).code, 0);
});

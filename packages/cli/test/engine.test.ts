import assert from 'node:assert/strict';
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { cannotMount } from '@assay/testkit/mounts';
import { z } from 'zod';
import { assay, documentIn } from './assay.ts';
import { Explained, RULES, running, runs, until } from './engine-support.ts';

const skip = cannotMount() ?? false;
const LIMIT = { skip, timeout: 200_000 };

test('engine: enforce with its rescue card, paused, confirmed, and what it refused', LIMIT, async (t) => {
  await using setting = await running(t, RULES, '--mode', 'enforce', '--confirm-within', '1h');
  const { mount, directory, engine, ask } = setting;
  const program = join(mount, 'program');
  assert.match(engine.output.stdout, /rescue +From now on programs on .* get EPERM\.\n/);
  assert.match(engine.output.stdout, /kill -9 \d+/);
  assert.equal(runs(program), false);
  const paused = await ask('pause', '--for', '5m');
  assert.equal(paused.paused, true);
  assert.equal(runs(program), true);
  assert.equal((await ask('resume')).paused, false);
  assert.equal(runs(program), false);
  const before = await ask('status');
  const last = before.audits.at(-1);
  assert.deepEqual(
    [last?.path, last?.cause, last?.denied, last?.func, last?.rule],
    [program, 'missing-hash', true, 'BPRM_CHECK', 'appraise func=BPRM_CHECK'],
  );
  const shown = await assay(['engine', 'status', '--directory', directory]);
  assert.ok(shown.stdout.includes(`${program}: missing-hash, BPRM_CHECK, process ${last?.pid}, `), shown.stdout);
  const asked = ['engine', 'explain', program, '--policy', setting.policy, '--directory', directory];
  const doctor = documentIn(await assay(['engine', 'doctor', '--directory', directory, '-o', 'json']));
  const mounts = z.array(z.strictObject({ path: z.string(), watched: z.boolean() })).parse(doctor['mounts']);
  assert.deepEqual(
    mounts.filter(({ watched }) => watched),
    [{ path: mount, watched: true }],
  );
  assert.ok(mounts.length > 1, 'the root file system is named');
  const told = Explained.parse(documentIn(await assay([...asked, '-o', 'json'])));
  assert.deepEqual(told.seen.at(-1), last);
  assert.ok(before.confirmBy !== undefined);
  assert.equal((await ask('confirm')).confirmBy, undefined);
  assert.equal((await ask('mode', 'log')).appraise, 'log');
  assert.equal(runs(program), true);
  const audits = readFileSync(join(directory, 'audit.jsonl'), 'utf8').trimEnd().split('\n');
  const [first] = audits.map((line) => z.object({ cause: z.string(), denied: z.boolean() }).parse(JSON.parse(line)));
  assert.deepEqual(first, { cause: 'missing-hash', denied: true });
  const list = await assay(['log', 'show', join(directory, 'ascii_runtime_measurements_sha256')]);
  assert.equal(list.code, 0, list.stderr);
  for (const name of [setting.policy, program, 'assay-engine-gap', 'assay-engine-mode']) {
    assert.ok(list.stdout.includes(name), name);
  }
  assert.equal((await assay(['engine', 'status', '--directory', directory])).code, 0);
});

test(
  'engine: an engine that is killed under a supervisor is started anew, and refuses until then',
  LIMIT,
  async (t) => {
    await using setting = await running(
      t,
      RULES,
      '--mode',
      'enforce',
      '--confirm-within',
      '1h',
      '--supervise',
      'closed',
    );
    const program = join(setting.mount, 'program');
    assert.equal((await setting.ask('mode', 'log')).appraise, 'log');
    assert.equal(runs(program), true);
    const pids = /kill -9 (\d+) (\d+)/.exec(setting.engine.output.stdout);
    assert.equal(Number(pids?.[1]), setting.engine.child.pid);
    process.kill(Number(pids?.[2]), 'SIGKILL');
    await until('it is missed', () => setting.engine.output.stderr.includes('openings are refused'));
    assert.equal(runs(program), false);
    const cards = (): number => setting.engine.output.stdout.split('kill -9').length - 1;
    await until('the next one says how to end it', () => cards() === 2);
    setting.engine.child.kill('SIGTERM');
    await setting.engine.ended;
    assert.equal(runs(program), true);
  },
);

test('engine: enforce that nobody confirms is log again, and the list says so', LIMIT, async (t) => {
  await using setting = await running(t, RULES, '--mode', 'enforce', '--confirm-within', '1s');
  let status = await setting.ask('status');
  for (const end = Date.now() + 90_000; status.appraise === 'enforce' && Date.now() < end; await delay(200)) {
    status = await setting.ask('status');
  }
  assert.equal(status.appraise, 'log');
  assert.equal(runs(join(setting.mount, 'program')), true);
  const list = readFileSync(join(setting.directory, 'binary_runtime_measurements_sha256'), 'latin1');
  assert.match(list, /assay-engine-mode.*appraise=log;reason=not confirmed;/s);
});

test('engine: a program that does not change runs without an event, and is measured when it does', LIMIT, async (t) => {
  await using setting = await running(t, 'measure func=BPRM_CHECK\n', '--turbo');
  const program = join(setting.mount, 'program');
  const first = (await setting.ask('status')).activity;
  assert.deepEqual([first.turbo, first.waiting, first.denials], [{ files: 0, breaks: 0 }, 0, 0]);
  // Not before it has rested.
  for (const end = Date.now() + 60_000; Date.now() < end; await delay(200)) {
    assert.equal(runs(program), true);
    if ((await setting.ask('status')).activity.turbo?.files === 1) break;
  }
  const held = (await setting.ask('status')).activity;
  assert.deepEqual([held.turbo, held.cached, held.misses], [{ files: 1, breaks: 0 }, 1, 1]);
  appendFileSync(program, 'more');
  assert.equal(runs(program), true);
  const { stdout } = await assay(['engine', 'status', '--directory', setting.directory]);
  assert.match(stdout, /^turbo +\d files go without an event; writers have waited \d times$/m);
  assert.match(stdout, /^events +\d+, \d+ a second; \d+ openings asked about, \d+ % from the cache; 0 refused$/m);
  const list = await assay(['log', 'show', join(setting.directory, 'ascii_runtime_measurements_sha256')]);
  assert.equal(list.stdout.split(program).length - 1, 2);
});

test('engine: turbo is not for a supervisor that refuses', async () => {
  const ended = await assay(['engine', 'run', '--watch', '/nowhere', '--turbo', '--supervise', 'closed']);
  assert.equal(ended.code, 2, ended.stderr);
  assert.match(ended.stderr, /--turbo/);
});

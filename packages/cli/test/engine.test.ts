import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { cannotMount, mountExt4 } from '@assay/testkit/mounts';
import { startSwtpm } from '@assay/testkit/swtpm';
import { z } from 'zod';
import { ASSAY, assay, assertFails, documentIn, isRoot, ROOT, scratch } from './assay.ts';
import { Audit, running, runs, until } from './engine-support.ts';

const skip = cannotMount() ?? false;
const LIMIT = { skip, timeout: 90_000 };

/** The contract of `assay engine explain -o json`. */
const Explained = z.strictObject({
  schema: z.literal('assay.engine-explain.v1'),
  path: z.string(),
  access: z.enum(['exec', 'read', 'write']),
  uid: z.int(),
  policy: z.string(),
  hooks: z.array(
    z.strictObject({
      func: z.string(),
      mask: z.string(),
      classes: z.array(
        z.strictObject({
          class: z.string(),
          sentence: z.string(),
          rule: z.strictObject({ line: z.int(), text: z.string() }).optional(),
        }),
      ),
    }),
  ),
  label: z.string(),
  result: z.enum(['allowed', 'refused']),
  cause: z.string().optional(),
  meaning: z.string().optional(),
  next: z.string().optional(),
  entries: z.array(z.strictObject({ pcr: z.int(), template: z.string(), digest: z.string() })),
  seen: z.array(Audit),
});

const RULES = 'measure func=BPRM_CHECK\nmeasure func=POLICY_CHECK\nappraise func=BPRM_CHECK\n';

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

test(
  'engine explain says which rule decides, what the label is and what mends it, as the engine then does',
  LIMIT,
  async (t) => {
    using mount = mountExt4();
    const program = join(mount.path, 'program');
    copyFileSync('/bin/true', program);
    const policy = join(scratch(t), 'policy');
    writeFileSync(policy, RULES);
    const explain = async (...words: string[]): Promise<z.infer<typeof Explained>> => {
      const ended = await assay(['engine', 'explain', program, '--policy', policy, ...words, '-o', 'json']);
      const document = Explained.parse(documentIn(ended));
      assert.equal(ended.code, document.result === 'allowed' ? 0 : 1, ended.stderr);
      return document;
    };
    const without = await explain();
    assert.deepEqual([without.result, without.cause, without.label], ['refused', 'missing-hash', 'none']);
    assert.equal(without.next, `assay file hash ${program}`);
    assert.equal((await assay(['file', 'hash', program])).code, 0);
    const labelled = await explain();
    assert.equal(labelled.result, 'allowed');
    assert.match(labelled.label, /^digest sha256:[0-9a-f]{64}$/);
    assert.equal(labelled.entries[0]?.digest, labelled.label.slice('digest '.length));
    const bprm = labelled.hooks.find(({ func }) => func === 'BPRM_CHECK');
    assert.deepEqual(
      bprm?.classes.map(({ rule }) => rule),
      [
        { line: 1, text: 'measure func=BPRM_CHECK' },
        { line: 3, text: 'appraise func=BPRM_CHECK' },
      ],
    );
    assert.deepEqual((await explain('--as', 'read', '--uid', '1000')).entries, []);
    const text = await assay(['engine', 'explain', program, '--policy', policy]);
    assert.match(text.stdout, /^rule +BPRM_CHECK MAY_EXEC: appraised by line 3: appraise func=BPRM_CHECK$/m);
    assert.match(text.stdout, /^result +allowed$/m);
  },
);

test(
  'engine: a policy that has to be signed is taken with the signature that evmctl writes beside it',
  LIMIT,
  async (t) => {
    const directory = scratch(t);
    const [policy, key, certificate] = ['policy', 'key.pem', 'cert.der'].map((name) => join(directory, name));
    assert.ok(policy !== undefined && key !== undefined && certificate !== undefined);
    writeFileSync(policy, RULES);
    const made = await assay(['key', 'generate', '--out', key, '--type', 'rsa2048', '--cert', certificate]);
    assert.equal(made.code, 0, made.stderr);
    const explain = ['engine', 'explain', '/bin/true', '--policy', policy, '--policy-cert', certificate];
    await assertFails(explain, { code: 'LABEL-MISSING', exit: 1 });
    const signed = await assay(['evmctl', 'ima_sign', '--sigfile', '--hashalgo', 'sha256', '--key', key, policy]);
    assert.equal(signed.code, 0, signed.stderr);
    const ended = await assay(explain);
    assert.ok(ended.code === 0 || ended.code === 1, ended.stderr);
    assert.match(ended.stdout, /appraised by line 3/);
    writeFileSync(policy, RULES.replace('appraise', 'dont_appraise'));
    await assertFails(explain, { code: 'IMA-SIG-INVALID', exit: 1 });
  },
);

test('engine: what it is not started with', { skip: isRoot ? false : 'starting an engine needs root' }, async (t) => {
  const directory = scratch(t);
  const policy = join(directory, 'policy');
  writeFileSync(policy, 'measure func=BPRN_CHECK\n');
  chmodSync(policy, 0o600);
  mkdirSync(join(directory, 'empty'));
  const explain = ['engine', 'explain', '/bin/true'];
  await assertFails([...explain, '--policy', policy], { code: 'POLICY-REFUSED', exit: 3 });
  await assertFails([...explain, '--policy', 'builtin:tbc'], { code: 'BUILTIN-NAME', exit: 3 });
  await assertFails([...explain, '--cert', join(directory, 'empty')], { code: 'USAGE', exit: 2 });
  await assertFails([...explain, '--kernel', '4.19'], { code: 'KERNEL-VERSION', exit: 3 });
  await assertFails([...explain, '--master-key', policy], { code: 'USAGE', exit: 2 });
  await assertFails(['engine', 'explain', join(directory, 'none')], { code: 'ENOENT', exit: 3 });
  await assertFails(['engine', 'explain', directory], { code: 'SYSTEM-CALL', exit: 3 });
  await assertFails(['engine', 'status', '--directory', directory], { code: 'ENGINE-UNREACHABLE', exit: 4 });
  await assertFails(['engine', 'mode', 'permissive', '--directory', directory], { code: 'USAGE', exit: 2 });
  await assertFails(['engine', 'pause', '--for', '2d'], { code: 'USAGE', exit: 2 });
  writeFileSync(policy, 'appraise func=BPRM_CHECK\n');
  const updater = [...explain, '--policy', policy, '--updater', '/bin/true'];
  await assertFails(updater, { code: 'LABEL-MISSING', exit: 1 });
});

test('engine doctor says of each hook how well it is stood in for, and of each way past what closes it', async () => {
  const ended = await assay(['engine', 'doctor', '-o', 'json']);
  const Doctor = z.strictObject({
    schema: z.literal('assay.engine-doctor.v1'),
    hooks: z.array(
      z.strictObject({
        func: z.string(),
        coverage: z.enum(['exact', 'approximated', 'start', 'missing']),
        why: z.string(),
        remedy: z.string().optional(),
      }),
    ),
    bpf: z.strictObject({
      active: z.boolean().optional(),
      types: z.boolean(),
      call: z.enum(['works', 'not-permitted', 'missing']),
      possible: z.boolean(),
      sentence: z.string(),
      remedy: z.string().optional(),
    }),
    bypasses: z.array(
      z.strictObject({ name: z.string(), open: z.boolean(), sentence: z.string(), remedy: z.string() }),
    ),
    limits: z.array(z.strictObject({ name: z.string(), sentence: z.string(), remedy: z.string() })).min(1),
    turbo: z.strictObject({
      available: z.boolean(),
      limits: z.array(z.strictObject({ name: z.string(), sentence: z.string() })),
    }),
  });
  const { hooks, bypasses } = Doctor.parse(documentIn(ended));
  assert.equal(new Set(hooks.map(({ func }) => func)).size, 14);
  assert.equal(ended.code, bypasses.some(({ open }) => open) ? 1 : 0);
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

const ANALYZE = spawnSync('systemd-analyze', ['--version']).status === 0;

test('engine: systemd accepts the unit', {
  skip: ANALYZE ? false : 'systemd-analyze is missing: apt-get install systemd',
}, (t) => {
  const directory = scratch(t);
  const unit = join(directory, 'assay-engine.service');
  copyFileSync(join(ROOT, 'packages/cli/systemd/assay-engine.service'), unit);
  const verified = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8', timeout: 60_000 });
  assert.equal(verified.status, 0, verified.stderr);
  assert.equal(verified.stderr.includes(unit), false, verified.stderr);
  const graded = ['security', '--offline=true', '--threshold=60', unit];
  const secure = spawnSync('systemd-analyze', graded, { encoding: 'utf8', timeout: 60_000 });
  assert.equal(secure.status, 0, secure.stdout);
});

/** What the unit leaves the engine. */
function capabilities(): string {
  const text = readFileSync(join(ROOT, 'packages/cli/systemd/assay-engine.service'), 'utf8');
  const [, names = ''] = /^CapabilityBoundingSet=(.*)$/m.exec(text) ?? [];
  return ['-all', ...names.split(' ').map((name) => `+${name.slice('CAP_'.length).toLowerCase()}`)].join(',');
}

test('engine: the capabilities of the unit are enough to enforce', LIMIT, async (t) => {
  await using swtpm = await stoppable();
  using mount = mountExt4();
  const program = join(mount.path, 'program');
  copyFileSync('/bin/true', program);
  const directory = join(scratch(t), 'engine');
  const policy = join(scratch(t), 'policy');
  writeFileSync(policy, RULES);
  const words = ['--watch', mount.path, '--policy', policy, '--mode', 'enforce', '--directory', directory];
  const run = [ASSAY, 'engine', 'run', ...words, '--tpm', `swtpm:unix:${swtpm.socketPath}`];
  const bounded = ['--bounding-set', capabilities(), '--inh-caps', '-all', '--no-new-privs', process.execPath, ...run];
  const child = spawn('setpriv', bounded, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (part: string) => (output += part));
  }
  const ended = once(child, 'close');
  try {
    await until('the engine listens', () => /list +\d+ entries/.test(output) || child.exitCode !== null);
    assert.equal(child.exitCode, null, output);
    assert.equal(runs(program), false);
    const status = await assay(['engine', 'mode', 'fix', '--directory', directory]);
    assert.equal(status.code, 0, status.stderr);
    assert.equal(runs(program), true);
    assert.match((await assay(['file', 'show', program])).stdout, /sha256/);
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
});

async function stoppable(): Promise<{ readonly socketPath: string } & AsyncDisposable> {
  const swtpm = await startSwtpm();
  return { socketPath: swtpm.socketPath, [Symbol.asyncDispose]: () => swtpm.stop() };
}

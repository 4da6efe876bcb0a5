import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { cannotMount } from '@assay/testkit/mounts';
import { z } from 'zod';
import { assay, documentIn, isRoot, ordinaryUser, scratch, UNSAFE, type Ended } from './assay.ts';

const Doctor = z.strictObject({
  schema: z.literal('assay.doctor.v1'),
  ok: z.boolean(),
  checks: z.array(
    z.strictObject({
      name: z.string(),
      state: z.enum(['ok', 'limited', 'missing']),
      sentence: z.string().regex(/^\S.*\.$/),
      fix: z.string().min(1).optional(),
    }),
  ),
});
type Check = z.infer<typeof Doctor>['checks'][number];

const NAMES = ['kernel', 'privilege', 'kernel IMA', 'fanotify', 'mounts', 'TPM', 'state', 'port'];

function diagnosis(ended: Ended): { ok: boolean; check(name: string): Check } {
  const { ok, checks } = Doctor.parse(documentIn(ended));
  assert.deepEqual(
    checks.map(({ name }) => name),
    NAMES,
  );
  const check = (name: string): Check => {
    const found = checks.find((one) => one.name === name);
    assert.ok(found !== undefined);
    return found;
  };
  return { ok, check };
}

test('as root, doctor finds what measuring this machine needs', { skip: cannotMount() ?? false }, async (t) => {
  const ended = await assay(['doctor', '-o', 'json', '--port', '0'], { cwd: scratch(t) });
  const { ok, check } = diagnosis(ended);
  assert.deepEqual({ ok, code: ended.code, stderr: ended.stderr }, { ok: true, code: 0, stderr: '' });
  assert.equal(check('privilege').state, 'ok');
  assert.equal(check('fanotify').state, 'ok');
  assert.match(check('kernel').sentence, /Linux \d+\.\d+.*, Node 2[4-9]\./);
});

test('doctor says the same to people, in columns without colour', async (t) => {
  const cwd = scratch(t);
  const { code, stdout, stderr } = await assay(['doctor', '--port', '0'], { cwd });
  const { ok } = diagnosis(await assay(['doctor', '--port', '0', '-o', 'json'], { cwd }));
  assert.deepEqual({ code, stderr }, { code: ok ? 0 : 3, stderr: '' });
  for (const name of NAMES) assert.match(stdout, new RegExp(`^(ok     |limited|missing)  ${name} +\\S`, 'm'));
  assert.match(
    stdout,
    ok ? /\n\nThis machine can be measured and attested: assay up\n$/ : /cannot be measured yet\.\n$/,
  );
  assert.ok(!UNSAFE.test(stdout));
});

test('an ordinary user is told what is missing and what mends it, with exit code 3', async (t) => {
  const options = ordinaryUser(t);
  const ended = await assay(['doctor', '-o', 'json', '--port', '0'], {
    cwd: scratch(t, options.user?.uid),
    ...options,
  });
  const { ok, check } = diagnosis(ended);
  assert.deepEqual({ ok, code: ended.code }, { ok: false, code: 3 });
  const { state, sentence, fix } = check('privilege');
  assert.deepEqual({ state, fix }, { state: 'missing', fix: 'run it as root' });
  assert.match(sentence, /simulated fleet/);
  assert.equal(check('fanotify').state, 'missing');
});

test('doctor tells of a port that is taken', async (t) => {
  const server = createServer().listen(0, '127.0.0.1');
  t.after(() => server.close());
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  const port = String(address.port);
  const { check } = diagnosis(await assay(['doctor', '-o', 'json', '--port', port], { cwd: scratch(t) }));
  assert.equal(check('port').state, 'limited');
  assert.match(check('port').sentence, new RegExp(`:${port} is in use`));
});

test('doctor tells of the state directory: missing, there, and of somebody else', async (t) => {
  const cwd = scratch(t);
  const stateOf = async (state: string, options = {}): Promise<Check> =>
    diagnosis(await assay(['doctor', '-o', 'json', '--state', state, '--port', '0'], { cwd, ...options })).check(
      'state',
    );
  const none = await stateOf(`${cwd}/none`);
  assert.match(none.sentence, /will be made/);
  mkdirSync(`${cwd}/there`, { mode: 0o700 });
  const there = await stateOf(`${cwd}/there`);
  assert.deepEqual([none.state, there.state], ['ok', 'ok']);
  if (!isRoot) return;
  const foreign = await stateOf(scratch(t), { ...ordinaryUser(t), cwd: '/' });
  assert.equal(foreign.state, 'missing');
  assert.match(foreign.fix ?? '', /--state/);
});

test('doctor changes nothing: no state directory appears', async (t) => {
  const cwd = scratch(t);
  await assay(['doctor', '--port', '0'], { cwd });
  assert.deepEqual(readdirSync(cwd), []);
});

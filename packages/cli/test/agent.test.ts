import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { certificatePem } from '@assay/core/x509';
import { certifyAsCloud } from '@assay/testkit/certificates';
import { manufactureSwtpm, swtpmAvailable } from '@assay/testkit/swtpm';
import { AgentStatus } from '@assay/agent';
import { HostDocument, KeyRenewal } from '@assay/wire';
import { z } from 'zod';
import {
  assay,
  assertFails,
  documentIn,
  isRoot,
  launch,
  NOBODY,
  ROOT,
  scratch,
  UNSAFE,
  type Launched,
} from './assay.ts';
import { end, Host, Service } from './machines.ts';
import { eventually } from './up.ts';

const swtpm = swtpmAvailable();
const skip = 'missing' in swtpm ? `swtpm is missing: ${swtpm.missing}` : false;

/** Words of `agent run` and `agent enrol`, but for the join token. */
function words(host: Host, service: Service, more: readonly string[] = []): string[] {
  const where = ['--tpm', `swtpm:${host.socket}`, '--list', `kernel:${host.kernel}`, '--state', stateOf(host)];
  return ['--verifier', service.url, '--name', 'web-03', ...where, ...more];
}

function stateOf(host: Host): string {
  return join(host.directory, 'agent');
}

const Shown = AgentStatus.extend({
  name: z.string().nullable(),
  verifier: z.string().nullable(),
  tpmKind: z.string().nullable(),
  listSource: z.string().nullable(),
  phase: z.string(),
  since: z.string().nullable(),
  running: z.boolean(),
  works: z.boolean(),
  directory: z.string(),
});

async function status(host: Host): Promise<z.infer<typeof Shown> & { readonly code: number | null }> {
  const answer = await assay(['agent', 'status', '--state', stateOf(host), '-o', 'json']);
  return { ...Shown.parse(documentIn(answer)), code: answer.code };
}

function running(t: TestContext, args: readonly string[]): Launched {
  const agent = launch(['agent', 'run', ...args]);
  t.after(() => end(agent, 'SIGKILL'));
  return agent;
}

test('agent: enrolled, it attests through restarts of the verifier, of itself and of its machine', {
  skip,
}, async (t) => {
  const host = await new Host(t).on();
  const service = await new Service(t).start();
  const withToken = words(host, service, ['--join-token-file', service.joinToken]);
  const enrolled = await assay(['agent', 'enrol', ...withToken]);
  assert.match(enrolled.stdout, /^web-03 is enrolled as host [0-9a-f]{16} at http:/, enrolled.stderr);
  const again = documentIn(await assay(['agent', 'enrol', ...words(host, service), '-o', 'json']));
  assert.ok(enrolled.stdout.includes(String(again['hostId'])), 'a second time it is the same host, without a token');
  assert.equal(statSync(join(stateOf(host), 'agent.json')).mode & 0o077, 0);
  assert.equal((await status(host)).code, 1, 'no agent runs');

  const first = running(t, words(host, service));
  await service.hasEntries('web-03', 1);
  await host.run('/usr/bin/one');
  await service.hasEntries('web-03', 2);
  await eventually('the status has it', async () => (await status(host)).round?.entries === 2);
  const good = await status(host);
  assert.deepEqual(
    [good.code, good.works, good.running, good.hostId, good.round?.verdict, good.problem],
    [0, true, true, again['hostId'], 'unverified', null],
  );
  const text = await assay(['agent', 'status', '--state', stateOf(host)]);
  assert.match(text.stdout, /^agent +runs, attested\nenrolled +as host [0-9a-f]{16}\nname +web-03\n/);
  assert.match(text.stdout, /\nspool +keeps what is read until the verifier has it\n/);
  assert.match(text.stdout, /\nround +\d+ s ago, taken, 2 entries\nverdict +unverified: .+\nnext +/);
  assert.ok(!UNSAFE.test(text.stdout));

  await service.stop('SIGKILL');
  await host.run('/usr/bin/two');
  await eventually('it says that the verifier is away', async () => {
    const { code, problem } = await status(host);
    return code === 1 && problem?.code === 'VERIFIER-UNREACHABLE';
  });
  await service.start();
  await service.hasEntries('web-03', 3);
  await eventually('its problem is over', async () => (await status(host)).code === 0);

  await host.off();
  await eventually('it says that the TPM is away', async () => {
    return (await status(host)).problem?.code === 'TPM-UNREACHABLE';
  });
  await host.on();
  await service.hasEntries('web-03', 1);

  await end(first, 'SIGKILL');
  const killed = await status(host);
  assert.deepEqual([killed.code, killed.running, killed.phase], [1, false, 'stopped']);
  await host.run('/usr/bin/three');
  const second = running(t, [...words(host, service), '-o', 'jsonl']);
  await service.hasEntries('web-03', 2);
  const stopped = await end(second, 'SIGTERM');
  assert.deepEqual([stopped.code, stopped.stderr], [0, '']);
  const lines = stopped.stdout
    .trimEnd()
    .split('\n')
    .map((line) => z.looseObject({ phase: z.string() }).parse(JSON.parse(line)));
  assert.deepEqual([lines[0]?.phase, lines[0]?.['schema']], ['attesting', 'assay.agent-run.v1']);
  assert.ok(lines.some(({ phase, ...line }) => phase === 'attested' && line['verified'] === true));
  assert.ok(lines.every(({ phase }) => phase !== 'enrolling'));
});

test('agent: asked by an operator, a running host renews its attestation key and stays the host that it was', {
  skip,
}, async (t) => {
  const host = await new Host(t).on();
  const service = await new Service(t).start('--renew-keys-after', '365');
  const ask = (...of: string[]) => assay([...of, '--url', service.url], { env: { ASSAY_TOKEN: service.adminToken } });
  const shown = async () => HostDocument.parse(documentIn(await ask('hosts', 'get', 'web-03', '-o', 'json'))).host;
  const agent = running(t, words(host, service, ['--join-token-file', service.joinToken]));
  await service.hasEntries('web-03', 1);
  const before = await shown();
  const asked = await ask('hosts', 'renew-key', 'web-03');
  assert.equal(asked.stdout, 'web-03 is asked for another attestation key with its next evidence\n', asked.stderr);
  await eventually('it has another key', async () => {
    return (await shown()).attestationKey.name !== before.attestationKey.name;
  });
  const renewal = KeyRenewal.parse(documentIn(await ask('hosts', 'renew-key', before.id, '-o', 'json')));
  assert.deepEqual(renewal.host, { id: before.id, name: 'web-03' });
  await host.run('/usr/bin/one');
  await service.hasEntries('web-03', 2);
  const now = await shown();
  assert.deepEqual([now.id, now.boot], [before.id, before.boot]);
  assert.match((await ask('audit', 'show')).stdout, /host\.renew-key/);
  assert.match(
    (await end(agent, 'SIGTERM')).stdout,
    /web-03 {2}makes another attestation key, and its TPM proves it\n/,
  );
  assert.equal((await ask('hosts', 'renew-key', 'web-99')).code, 1);
  assert.equal((await assay(['hosts', 'renew-key', 'web-03', '--url', service.url])).code, 5);
});

test('agent: two do not share a state, and a wrong token, TPM or list is said', { skip }, async (t) => {
  const host = await new Host(t).on();
  const service = await new Service(t).start();
  const enrol = (...more: string[]): string[] => ['agent', 'enrol', ...words(host, service), ...more];
  await assertFails(enrol(), { exit: 5, code: 'REQUEST-UNAUTHENTICATED' });
  const wrong = { env: { ASSAY_JOIN_TOKEN: 'x'.repeat(32) } };
  await assertFails(enrol(), { exit: 5, code: 'REQUEST-UNAUTHENTICATED' }, wrong);
  const token = ['--join-token-file', service.joinToken];
  await assertFails(enrol(...token, '--tpm', 'swtpm:/nowhere'), { exit: 4, code: 'TPM-UNREACHABLE' });
  await assertFails(enrol(...token, '--list', 'kernel:/nowhere'), { exit: 3, code: 'KERNEL-LACKS' });
  await assertFails(enrol(...token, '--list', 'engine:/nowhere'), { exit: 4, code: 'ENGINE-UNREACHABLE' });
  await assertFails(enrol(...token, '--verifier', 'http://127.0.0.1:1'), { exit: 4, code: 'VERIFIER-UNREACHABLE' });
  running(t, words(host, service, token));
  await service.hasEntries('web-03', 1);
  await assertFails(enrol(...token), { exit: 3, code: 'STATE-IN-USE' });
});

test('agent: a maker that the verifier is told to trust vouches for the key of the host', { skip }, async (t) => {
  const made = await manufactureSwtpm(scratch(t));
  const roots = scratch(t);
  copyFileSync(made.authority, join(roots, 'maker.pem'));
  const host = await new Host(t, made.state).on();
  const service = await new Service(t).start('--ek-roots', roots);
  const token = ['--join-token-file', service.joinToken];
  const enrolled = await assay(['agent', 'enrol', ...words(host, service, token)]);
  assert.equal(enrolled.code, 0, enrolled.stderr);
  const shown = await assay(['hosts', 'get', 'web-03', '--url', service.url]);
  assert.match(shown.stdout, /\n {2}Endorsement key +ok +Certified: an authority /);
  assert.match((await assay(['hosts', 'get', '--url', service.url])).stdout, / software, certified /);
  const serve = ['verifier', 'serve', '--state', service.state, '--ek-roots'];
  const none = await assay([...serve, scratch(t)]);
  assert.deepEqual([none.code, /no file in it ends in \.pem/.test(none.stderr)], [2, true], none.stderr);
  writeFileSync(join(roots, 'other.pem'), 'nothing');
  const noAk = await assay(['verifier', 'serve', '--state', service.state, '--ak-roots', scratch(t)]);
  assert.deepEqual([noAk.code, /--ak-roots .*: no file in it/.test(noAk.stderr)], [2, true], noAk.stderr);
  const cloud = [...words(host, service, token), '--attestation-key'];
  const kept = await assay(['agent', 'enrol', ...cloud, 'azure']);
  assert.match(kept.stderr, /AGENT-STATE: .* is enrolled with the attestation key own, and azure is wanted/);
  const fresh = await assay(['agent', 'enrol', ...cloud, 'gce-ecc', '--state', scratch(t)]);
  assert.match(fresh.stderr, /no template of an attestation key at NV index 0x01c10003/);
  const broken = await assay([...serve, roots]);
  assert.deepEqual([broken.code, /PEM-FORM/.test(broken.stderr)], [3, true], broken.stderr);
});

test('agent: a key that the cloud put into the TPM is the key of the host, with its authority and its machine', {
  skip,
}, async (t) => {
  const host = await new Host(t).on();
  const { root } = await host.withTpm((tpm) => certifyAsCloud(tpm, 'gce-ecc'));
  const roots = scratch(t);
  writeFileSync(join(roots, 'cloud.pem'), certificatePem(root.raw));
  const service = await new Service(t).start('--ak-roots', roots, '--approve-enrolments', 'first-use');
  const ask = (...of: string[]) => assay([...of, '--url', service.url], { env: { ASSAY_TOKEN: service.adminToken } });
  const kind = ['--attestation-key', 'gce-ecc'];
  const token = ['--join-token-file', service.joinToken];
  const enrolled = await assay(['agent', 'enrol', ...words(host, service, [...kind, ...token])]);
  assert.match(enrolled.stdout, /^web-03 is enrolled as host /, enrolled.stderr);
  const agent = running(t, words(host, service));
  await service.hasEntries('web-03', 1);
  await host.run('/usr/bin/one');
  await service.hasEntries('web-03', 2);

  const text = (await ask('hosts', 'get', 'web-03')).stdout;
  assert.match(text, /\n {2}Attestation key +ok +Certified by an authority that this verifier trusts\. /, text);
  assert.match((await ask('hosts', 'get')).stdout, / software, certified AK /);
  const shown = HostDocument.parse(documentIn(await ask('hosts', 'get', 'web-03', '-o', 'json'))).host;
  assert.equal(shown.tpm.trust, 'ak-certificate');
  const facts = shown.ladder.find(({ rung }) => rung === 'ak')?.facts ?? [];
  const said = Object.fromEntries(facts.map(({ label, value }) => [label, value]));
  assert.deepEqual(
    [said['Certified for'], said['Instance'], said['Project'], said['Zone'], said['Authority']],
    ['CN=machine', 'web (4275878552)', 'example-project', 'europe-west4-a', 'CN=cloud root'],
  );
  assert.match((await ask('audit', 'show')).stdout, /gce:1000000000000000000\/4275878552/);
  const refused = await ask('hosts', 'renew-key', 'web-03');
  assert.deepEqual([refused.code, /KEY-CERTIFIED/.test(refused.stderr)], [1, true], refused.stderr);

  await end(agent, 'SIGTERM');
  for (const more of [['--renew-key'], ['--attestation-key', 'own'], ['--attestation-key', 'azure']])
    await assertFails(['agent', 'enrol', ...words(host, service, more)], { exit: 3, code: 'AGENT-STATE' });
});

test('agent: root gives up everything but reading the lists, and attests as another user', {
  skip: isRoot ? skip : 'only root can become another user',
}, async (t) => {
  const host = await new Host(t).on();
  const service = await new Service(t).start();
  chmodSync(host.socket, 0o666);
  for (const file of readdirSync(host.kernel)) chmodSync(join(host.kernel, file), 0o400);
  chmodSync(service.joinToken, 0o400);
  const token = ['--join-token-file', service.joinToken];
  const agent = running(t, [...words(host, service, token), '--user', String(NOBODY), '-o', 'jsonl']);
  await service.hasEntries('web-03', 1);
  const facts = readFileSync(`/proc/${agent.child.pid}/status`, 'latin1');
  assert.match(facts, new RegExp(`^Uid:(\\t${NOBODY}){4}$`, 'm'));
  for (const set of ['Prm', 'Eff', 'Bnd', 'Amb']) assert.match(facts, new RegExp(`^Cap${set}:\\t0{15}4$`, 'm'));
  assert.match(facts, /^NoNewPrivs:\t1$/m);
  assert.equal(statSync(join(stateOf(host), 'agent.json')).uid, NOBODY);
  assert.equal(statSync(stateOf(host)).mode & 0o777, 0o700);
  const stopped = await end(agent, 'SIGTERM');
  assert.equal(stopped.code, 0, stopped.stderr);
  const none = await assay(['agent', 'run', ...words(host, service, token), '--user', 'nobody-of-this-name']);
  assert.deepEqual([none.code, /there is no such user/.test(none.stderr)], [2, true], none.stderr);
});

test('agent: over TLS it trusts the authority that it is told, and shows a certificate of its host', {
  skip,
}, async (t) => {
  const host = await new Host(t).on();
  const state = join(scratch(t), 'verifier');
  const tls = ['--tls-name', '127.0.0.1', '--tls-name', 'localhost', '--tls-name', '::1'];
  const verifier = launch(['verifier', 'serve', '--port', '0', '--state', state, '--heartbeat', '1', ...tls]);
  t.after(() => end(verifier, 'SIGKILL'));
  const urlIn = (text: string): string => /https:\/\/127\.0\.0\.1:\d+/.exec(text)?.[0] ?? '';
  await eventually(
    'the verifier is ready',
    () => urlIn(verifier.output.stdout) !== '' || verifier.child.exitCode !== null,
  );
  const url = urlIn(verifier.output.stdout);
  assert.notEqual(url, '', verifier.output.stderr);
  const { join: token } = z
    .object({ join: z.string() })
    .parse(JSON.parse(readFileSync(join(state, 'tokens.json'), 'utf8')));
  const where = ['--tpm', `swtpm:${host.socket}`, '--list', `kernel:${host.kernel}`, '--state', stateOf(host)];
  const work = ['--verifier', url, '--name', 'web-03', ...where];
  const env = { ASSAY_JOIN_TOKEN: token };
  await assertFails(['agent', 'enrol', ...work], { exit: 4, code: 'VERIFIER-UNREACHABLE' }, { env });
  const authority = join(state, 'authority.pem');
  const agent = launch(['agent', 'run', ...work, '--ca', authority, '-o', 'jsonl'], { env });
  t.after(() => end(agent, 'SIGKILL'));
  await eventually('the status has a round', async () => (await status(host)).round?.verified === true);
  await eventually('the verifier gave a certificate', () =>
    / has a certificate for 43200 s/.test(verifier.output.stdout),
  );
  const asked = await assay(['hosts', 'get', 'web-03', '--url', url], { env: { NODE_EXTRA_CA_CERTS: authority } });
  assert.match(asked.stdout, /^web-03 {2}unverified /, asked.stderr);
  assert.equal(statSync(join(state, 'authority.json')).mode & 0o077, 0);
  for (const wrong of [
    ['--tls-cert', authority],
    ['--tls-name', 'a b'],
  ]) {
    assert.equal((await assay(['verifier', 'serve', '--state', state, ...wrong])).code, 2, wrong.join(' '));
  }
});

test('agent: the status of a directory in which none has worked says so, and one that is damaged is named', async (t) => {
  const state = scratch(t);
  const none = await assay(['agent', 'status', '--state', state]);
  assert.deepEqual([none.code, none.stdout], [1, `No agent has worked in ${state}.\n`]);
  const {
    works,
    running: runs,
    hostId,
    round,
  } = documentIn(await assay(['agent', 'status', '--state', state, '-o', 'json']));
  assert.deepEqual([works, runs, hostId, round], [false, false, null, null]);
  writeFileSync(join(state, 'agent-status.json'), '{');
  await assertFails(['agent', 'status', '--state', state], { exit: 3, code: 'AGENT-STATE' });
});

const ANALYZE = spawnSync('systemd-analyze', ['--version']).status === 0;
const UNIT = join(ROOT, 'packages/cli/systemd/assay-agent.service');

test('agent: systemd accepts the unit', {
  skip: ANALYZE ? false : 'systemd-analyze is missing: apt-get install systemd',
}, (t) => {
  const unit = join(scratch(t), 'assay-agent.service');
  copyFileSync(UNIT, unit);
  const verified = spawnSync('systemd-analyze', ['verify', '--man=no', unit], { encoding: 'utf8', timeout: 60_000 });
  assert.deepEqual([verified.status, verified.stderr.includes(unit)], [0, false], verified.stderr);
});

test('agent: the unit holds one capability, with which the kernel’s list can be read', () => {
  const text = readFileSync(UNIT, 'utf8');
  assert.match(text, /^CapabilityBoundingSet=CAP_DAC_READ_SEARCH$/m);
  assert.match(text, /^AmbientCapabilities=CAP_DAC_READ_SEARCH$/m);
  assert.match(text, /^DynamicUser=yes$/m);
});

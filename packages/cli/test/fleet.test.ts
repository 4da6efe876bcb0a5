import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { CaptureReply, HostList } from '@assay/wire';
import { assay, assertFails, documentIn, isRoot, NOBODY, ordinaryUser, scratch, UNSAFE } from './assay.ts';
import { eventually, host, startUp, stopUp, verdict } from './up.ts';
import { strangeTree } from './strange-tree.ts';

/** Programs that each simulated host runs before its list stands still, with boot_aggregate. */
const ENTRIES = 17;
const CAPTURE = ['reference', 'capture'];

test('an ordinary user gets a simulated fleet, captures, and sees an attack', async (t) => {
  const options = ordinaryUser(t);
  const uid = options.user?.uid;
  const cwd = scratch(t, uid);
  const up = await startUp(t, [], { ...options, cwd, state: `${cwd}/state` });
  const here = { ...options, cwd, env: { ASSAY_URL: up.url, ASSAY_STATE: up.state } };

  await t.test('it says that this machine is not measured', () => {
    assert.match(up.stdout(), /note +not root, so this machine cannot be measured; a simulated fleet is shown/);
    assert.match(up.stdout(), /fleet +simulated: web-01, web-02, db-01, each with a simulated TPM/);
  });

  await t.test('three hosts are unverified until something is captured', async () => {
    const { stdout, code } = await up.ask('hosts', 'get', '-o', 'json');
    assert.equal(code, 1);
    const { hosts, next } = HostList.parse(documentIn({ stdout }));
    assert.deepEqual([hosts.map(({ name }) => name).toSorted(), next], [['db-01', 'web-01', 'web-02'], null]);
    for (const { name } of hosts) {
      const { host: one } = await verdict(up, name, 'unverified');
      assert.deepEqual([one.tpm.kind, one.list.source], ['simulated', 'simulated']);
    }
    const text = await up.ask('hosts', 'get');
    assert.match(text.stdout, /^NAME +VERDICT +EVIDENCE +TPM +LIST +REFERENCE +WHY\n/);
    assert.match(text.stdout, /^web-02 +unverified +\d+ s ago +simulated, first use +\d+ \(simulated\) +none +\S/m);
    assert.ok(!UNSAFE.test(text.stdout));
  });

  await t.test('capture without --host names the hosts: exit code 2', async () => {
    const { stderr } = await assertFails(CAPTURE, { code: 'USAGE', exit: 2 }, here);
    for (const name of ['web-01', 'web-02', 'db-01']) assert.ok(stderr.includes(name), stderr);
  });

  await t.test('a host that does not exist: exit code 1 and its code', async () => {
    const expected = { code: 'REQUEST-NOT-FOUND', exit: 1 };
    for (const name of ['nobody', '..', 'a/b', 'x'.repeat(64)]) {
      await assertFails(['hosts', 'get', name], expected, here);
    }
    await assertFails([...CAPTURE, '--host', 'nobody'], expected, here);
  });

  await t.test('capture without the operator token: exit code 5 and what to do', async () => {
    const expected = { code: 'REQUEST-UNAUTHENTICATED', exit: 5 };
    const without = await assertFails([...CAPTURE, '--host', 'db-01', '--state', `${cwd}/none`], expected, here);
    assert.match(without.stderr, /what to do .*--state, or set ASSAY_TOKEN/);
    const wrong = { ...here, env: { ...here.env, ASSAY_TOKEN: 'wrong' } };
    await assertFails([...CAPTURE, '--host', 'db-01'], expected, wrong);
  });

  await t.test('the state directory of somebody else: exit code 5', { skip: !isRoot && 'needs root' }, async () => {
    const other = { ...here, ...ordinaryUser(t, NOBODY - 1), cwd: '/' };
    await assertFails([...CAPTURE, '--host', 'db-01'], { code: 'EACCES', exit: 5 }, other);
  });

  await eventually('the lists stand still', async () => {
    const { hosts } = HostList.parse(documentIn(await up.ask('hosts', 'get', '-o', 'json')));
    return hosts.every(({ list }) => list.entries === ENTRIES);
  });

  await t.test('ASSAY_TOKEN is enough, an empty one is none', async () => {
    const { operator } = JSON.parse(readFileSync(`${up.state}/tokens.json`, 'utf8')) as { operator: string };
    const args = [...CAPTURE, '--host', 'web-02', '--state', `${cwd}/none`];
    const given = await assay(args, { ...here, env: { ASSAY_URL: up.url, ASSAY_TOKEN: operator } });
    assert.deepEqual({ code: given.code, stderr: given.stderr }, { code: 0, stderr: '' });
    assert.match(given.stdout, /^web-02: reference values version 1 with 16 digests are active\.\ntrusted: /);
    const empty = { ...here, env: { ...here.env, ASSAY_TOKEN: '' } };
    assert.equal((await assay([...CAPTURE, '--host', 'db-01'], empty)).code, 0);
  });

  await t.test('--tree adds the executable files, and names what cannot be read', async () => {
    const tree = strangeTree(scratch(t, uid), uid);
    const ended = await assay([...CAPTURE, '--host', 'web-01', '-o', 'json', '--tree', tree.path], here);
    tree.open();
    const reply = CaptureReply.parse(documentIn(ended));
    assert.deepEqual([reply.host.verdict, reply.digests], ['trusted', 16 + tree.programs]);
    assert.equal(ended.code, 0);
    const warnings = ended.stderr.trimEnd().split('\n').toSorted();
    assert.deepEqual(
      warnings,
      tree.unreadable.map(({ path, reason }) => `warning: ${path} is left out: ${reason}`).toSorted(),
    );
    assert.ok(!UNSAFE.test(ended.stderr));
    await assertFails(
      [...CAPTURE, '--host', 'web-01', '--tree', `${tree.path}/none`],
      { code: 'ENOENT', exit: 3 },
      here,
    );
  });

  await t.test('20 seconds after the capture of web-02 a tampered program runs there', async () => {
    const { host: attacked, findings } = await verdict(up, 'web-02', 'failed');
    const [finding] = findings;
    assert.equal(attacked.openFindings, 1);
    assert.deepEqual([finding?.code, finding?.evidence.filenameHint], ['IMA-DIGEST-CHANGED', '/usr/bin/bash']);
    const shown = await up.ask('hosts', 'get', 'web-02');
    assert.equal(shown.code, 1);
    assert.match(shown.stdout, /^web-02 {2}failed .*\nIMA-DIGEST-CHANGED .*\/usr\/bin\/bash.*/s);
    assert.equal((await host(up, 'db-01')).host.verdict, 'trusted');
  });

  const stopped = await stopUp(up);
  assert.deepEqual({ code: stopped.code, stderr: stopped.stderr }, { code: 0, stderr: '' });

  await t.test('a second start knows the three hosts and their reference values', async () => {
    const second = await startUp(t, [], { ...options, cwd, state: up.state });
    // First the one on which the tampered program runs again, 20 seconds after it is trusted.
    for (const name of ['web-02', 'web-01', 'db-01']) {
      const { host: one } = await verdict(second, name, 'trusted');
      assert.equal(one.reference?.version, 1);
    }
    const untouched = await second.ask('hosts', 'get', '--text', 'db-', '--verdict', 'trusted');
    assert.equal(untouched.code, 0);
    assert.match(untouched.stdout, /^db-01 +trusted /m);
    assert.equal((await stopUp(second)).code, 0);
  });
});

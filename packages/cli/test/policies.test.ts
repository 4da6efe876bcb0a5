import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FindingDocument, HostList, MeasurementList } from '@assay/wire';
import { z } from 'zod';
import { assertFails, documentIn, scratch, UNSAFE } from './assay.ts';
import { eventually, host, startUp, verdict } from './up.ts';

/** Programs that each simulated host runs before its list stands still, with boot_aggregate. */
const ENTRIES = 17;
const HOSTS = ['web-01', 'web-02', 'db-01'];

test('a fleet is judged by a policy: pushed, activated, found wanting, mended and activated again', async (t) => {
  const up = await startUp(t, ['--fleet']);
  const directory = scratch(t);
  const ask = async (...words: string[]) => {
    const ended = await up.ask(...words);
    assert.ok(!UNSAFE.test(ended.stdout + ended.stderr));
    return ended;
  };
  const here = { env: { ASSAY_URL: up.url, ASSAY_STATE: up.state } };
  const file = join(directory, 'web.json');

  await t.test('nothing is there at first, and the commands say so', async () => {
    assert.match((await ask('policies', 'get')).stdout, /^No policies yet/);
    const { code, stdout } = await ask('findings', 'list');
    assert.deepEqual([code, stdout], [0, 'Nothing is open.\n']);
    await assertFails(['findings', 'show', 'F-1'], { exit: 1, code: 'REQUEST-NOT-FOUND' }, here);
    await assertFails(['findings', 'acknowledge', 'F-1'], { exit: 2, code: 'USAGE' }, here);
    const both = ['findings', 'acknowledge', 'F-1', '--withdraw', '--reason', 'x'];
    await assertFails(both, { exit: 2, code: 'USAGE' }, here);
    await assertFails(['findings', 'resolve', 'F-1', '--reason', ''], { exit: 2, code: 'USAGE' }, here);
    await assertFails(['findings', 'show', '1'], { exit: 2, code: 'USAGE' }, here);
    await assertFails(['reference', 'activate', 'web', '1'], { exit: 1, code: 'REQUEST-NOT-FOUND' }, here);
    await assertFails(['reference', 'activate', 'web', '0'], { exit: 2, code: 'USAGE' }, here);
  });

  await t.test('what all hosts have run is pushed, and comes into force by an act of its own', async () => {
    await eventually('all lists stand still', async () => {
      const { hosts } = HostList.parse(documentIn(await ask('hosts', 'get', '-o', 'json')));
      return hosts.length === HOSTS.length && hosts.every(({ list }) => list.entries === ENTRIES);
    });
    const digests = new Map<string, Set<string>>();
    for (const name of HOSTS) {
      const answer = await fetch(`${up.url}/v1/hosts/${name}/measurements?limit=1000`);
      const { measurements } = MeasurementList.parse(await answer.json());
      for (const { digest, filenameHint, status } of measurements) {
        if (status === 'unjudged') digests.set(digest, (digests.get(digest) ?? new Set()).add(filenameHint));
      }
    }
    const pool = {
      id: 'fleet',
      kind: 'manual',
      name: 'fleet',
      digests: [...digests.keys()]
        .toSorted()
        .map((digest) => ({ digest, paths: [...(digests.get(digest) ?? [])].toSorted() })),
    };
    const empty = { files: [], buffers: [], keyrings: [], ignoredKeyrings: [], keys: [], excludes: [], denied: [] };
    const head = { schema: 'assay.reference.v1', name: 'web', version: 1, created: '2026-11-22T00:00:00Z' };
    const document = { ...head, ...empty, pools: [pool], bootAggregate: { banks: ['sha256'], listed: [] } };
    writeFileSync(file, JSON.stringify(document));
    const pushed = await ask('reference', 'push', file);
    assert.match(
      pushed.stdout,
      /^web version 1: \d+ digests, signed by nobody .*\nnext: assay reference activate web 1\n$/,
    );
    assert.equal((await host(up, 'web-01')).host.verdict, 'unverified');
    const simulated = await ask('policies', 'simulate', 'web', '1');
    assert.match(simulated.stdout, /^web-01 +unverified -> trusted/m);
    assert.equal(simulated.code, 0);
    assert.equal((await ask('reference', 'activate', 'web', '1', '--all-hosts')).stdout, 'web version 1 is in force\n');
    await verdict(up, 'web-01', 'trusted');
    assert.match(
      (await ask('policies', 'get')).stdout,
      /^web +1 +\d+ +nobody .* in force on 3 hosts, since \d+ s ago$/m,
    );
    const excluded = await ask('policies', 'excluded', 'web');
    assert.deepEqual(excluded, { ...excluded, code: 0, stdout: 'No exclude of web version 1 let anything through.\n' });
    const captured = ['reference', 'capture', '--host', 'web-01'];
    await assertFails(captured, { exit: 1, code: 'POLICY-ASSIGNED' }, here);
  });

  await t.test(
    'an attack is a finding, which names what ran; accepted, it becomes a version that others activate',
    async () => {
      await verdict(up, 'web-02', 'failed');
      const listed = await ask('findings', 'list');
      assert.equal(listed.code, 1);
      const [, id = ''] = /^(F-\d+) +IMA-[A-Z-]+ +web-02 /m.exec(listed.stdout) ?? [];
      const shownFinding = await ask('findings', 'show', id);
      assert.match(shownFinding.stdout, /^web-02\nIMA-/);
      assert.match(shownFinding.stdout, /\n {2}on 1 host now, first \d+ s ago, last \d+ s ago\n$/);
      const known = await ask('findings', 'acknowledge', id, '--reason', 'looked at', '--everywhere');
      assert.match(known.stdout, /\n {2}built-in-operator knows of it until [\dT:.-]+Z: looked at\n$/);
      assert.match((await ask('findings', 'list')).stdout, new RegExp(`^${id} .* known: `, 'm'));
      const withdrawn = documentIn(await ask('findings', 'acknowledge', id, '--withdraw', '-o', 'json'));
      assert.equal(FindingDocument.parse(withdrawn).finding.acknowledgement, null);
      const early = ['findings', 'resolve', id, '--reason', 'over'];
      const { stderr } = await assertFails(early, { exit: 1, code: 'FINDING-SHOWN' }, here);
      assert.match(stderr, /This ends when a version of web is in force that has the digest/);
      const approved = await ask('findings', 'approve', id, '-o', 'json');
      const { policy } = z
        .looseObject({ policy: z.looseObject({ version: z.int(), signer: z.null() }) })
        .parse(documentIn(approved));
      assert.equal(policy.version, 2);
      assert.equal((await host(up, 'web-02')).host.verdict, 'failed');
      assert.match((await ask('policies', 'diff', 'web', '1', '2')).stdout, /^manual approved: 1 file added\n$/);
      const tried = await ask('policies', 'simulate', 'web', '--candidate', file, '--boots', 'all');
      assert.match(tried.stdout, /^web-02 +failed$/m);
      const out = join(directory, 'web-2.json');
      assert.equal((await ask('policies', 'fetch', 'web', '2', '--out', out)).code, 0);
      const diff = await ask('reference', 'diff', file, out);
      assert.match(diff.stdout, /^manual approved: 1 file added\n$/);
      assert.match(readFileSync(out, 'utf8'), /"version":2/);
      await ask('reference', 'activate', 'web', '2');
      await verdict(up, 'web-02', 'trusted');
      assert.equal((await ask('findings', 'list')).stdout, 'Nothing is open.\n');
      assert.match((await ask('findings', 'list', '--all')).stdout, new RegExp(`^${id} `, 'm'));
      const [, denied = ''] = /(sha256:[0-9a-f]{64})/.exec(shownFinding.stdout) ?? [];
      const deny = ['simulate', 'web', '2', '--deny', denied];
      const simulated = await ask('policies', ...deny);
      assert.match(simulated.stdout, /^web-02 +trusted -> failed/m);
      assert.match(simulated.stdout, /^refused: They are denied: tried\. 1 on 1 hosts: /m);
      const proposed = await ask('policies', 'deny', 'web', denied, '--reason', 'CVE-2026-1');
      assert.match(proposed.stdout, /^web version 3 is proposed, made of version 2; nothing has changed yet\.\n/);
      assert.match(proposed.stdout, /^refused: They are denied: CVE-2026-1\. /m);
      await assertFails(['policies', 'deny', 'web', 'x', '--reason', 'x'], { exit: 2, code: 'USAGE' }, here);
      const twice = ['policies', 'simulate', 'web', '1', '--candidate', file];
      await assertFails(twice, { exit: 2, code: 'USAGE' }, here);
      await assertFails(['policies', 'diff', 'web', '1', '9'], { exit: 1, code: 'REQUEST-NOT-FOUND' }, here);
      assert.match((await ask('findings', 'show', id)).stdout, /\n {2}it ended \d+ s ago by itself\n$/);
    },
  );
});

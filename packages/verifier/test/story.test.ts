import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedHost } from '@assay/testkit/evidence';
import { enrol } from './machine.ts';
import { service } from './service.ts';

const TRUE = '\x7fELF true';

test('a host goes from pending to trusted, fails when an unknown program runs, and is trusted again', async (t) => {
  const verifier = await service(t);
  const host = await SimulatedHost.boot({ name: 'web-03' });
  const agent = await enrol(verifier, host);
  assert.equal((await agent.detail()).verdict, 'pending');

  await host.execute('/usr/bin/true', TRUE);
  const first = await agent.attest();
  assert.deepEqual([first.verified, first.verdict, first.errors], [true, 'unverified', []]);
  assert.deepEqual(first.challenge.list, { fromEntry: 3, fromOffset: host.list.offsetOf(3) });
  assert.deepEqual((await agent.detail()).list, { source: 'simulated', entries: 2, violations: 0 });

  const capture = await agent.capture({ note: 'golden' });
  assert.deepEqual([capture.version, capture.digests, capture.host.verdict], [1, 1, 'trusted']);
  assert.equal((await agent.attest()).verdict, 'trusted');

  await host.execute('/tmp/x', `${TRUE}x`);
  const failed = await agent.attest();
  assert.equal(failed.verdict, 'failed');
  assert.match(failed.sentence, /\/tmp\/x was measured with a digest that the reference values do not contain/);
  const [finding, ...others] = await agent.findings();
  assert.deepEqual(others, []);
  assert.equal(finding?.code, 'IMA-UNKNOWN-DIGEST');
  assert.deepEqual([finding?.evidence.entry, finding?.evidence.filenameHint], [3, '/tmp/x']);
  assert.equal(finding?.blastRadius.hosts, 1);
  assert.equal((await agent.measurements('order=desc&limit=1')).measurements[0]?.status, 'unknown');

  assert.equal((await agent.capture()).host.verdict, 'trusted');
  assert.deepEqual(await agent.findings(), []);
  assert.deepEqual(
    (await agent.findings('open=false')).map(({ id, open }) => [id, open]),
    [['F-1', false]],
  );
  assert.equal((await agent.measurements('order=desc&limit=1')).measurements[0]?.status, 'known');
  const detail = await agent.detail();
  assert.equal(detail.reference?.version, 2);
  assert.deepEqual(
    detail.ladder.map(({ rung, state }) => `${rung} ${state}`),
    ['ek warning', 'ak ok', 'quote ok', 'pcr ok', 'list ok', 'reference ok', 'signer warning'],
  );
});

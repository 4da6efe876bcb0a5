import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimulatedHost } from '@assay/testkit/evidence';
import { HostLines, HostList, ROUTES } from '@assay/wire';
import type { Verifier } from '@assay/verifier';
import { listen } from './listen.ts';
import { content, enrol } from './machine.ts';
import { call, service } from './service.ts';

const lines = async (verifier: Verifier, query = ''): Promise<HostLines> =>
  content(await call(verifier, ROUTES.hostLines + query), HostLines);

test('a line says of a host what its summary says', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  const [pending] = (await lines(verifier)).hosts;
  assert.deepEqual(
    [pending?.verdict, pending?.evidenceAt, pending?.boot, pending?.entries, pending?.reference],
    ['pending', null, null, 0, null],
  );
  await agent.host.execute('/usr/bin/true', 'true');
  await agent.attest();
  await agent.capture();
  await agent.host.execute('/tmp/x', 'x');
  await agent.attest();
  const { hosts, staleAfterSeconds } = await lines(verifier);
  const [summary] = content(await call(verifier, ROUTES.hosts), HostList).hosts;
  const [line] = hosts;
  assert.ok(line !== undefined && summary !== undefined);
  const { id, name, verdict, verdictSince, evidenceAt, tpm } = summary;
  assert.deepEqual(line, {
    id,
    name,
    verdict,
    verdictSince,
    evidenceAt,
    tpm,
    source: summary.list.source,
    kernel: agent.host.facts.kernel,
    labels: {},
    boot: line.boot,
    entries: 3,
    violations: 0,
    reference: { policy: null, version: 1 },
    findings: { failed: 1, warning: 0, code: 'IMA-UNKNOWN-DIGEST' },
  });
  assert.equal(staleAfterSeconds, summary.staleAfterSeconds);
});

test('lines are paged by name', async (t) => {
  const verifier = await service(t);
  for (const name of ['web-03', 'db-01', 'web-01']) await enrol(verifier, await SimulatedHost.boot({ name }));
  const first = await lines(verifier, '?limit=2');
  assert.deepEqual([first.hosts.map(({ name }) => name), first.next], [['db-01', 'web-01'], 'web-01']);
  const second = await lines(verifier, `?limit=2&cursor=${first.next}`);
  assert.deepEqual([second.hosts.map(({ name }) => name), second.next], [['web-03'], null]);
});

test('who listens for lines is told which hosts changed and how they stand, and whose findings did', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  await agent.host.execute('/usr/bin/true', 'true');
  await agent.attest();
  await agent.capture();
  const next = await listen(t, verifier, 'lines');
  await agent.host.execute('/tmp/x', 'x');
  await agent.attest();
  let event = await next();
  // Through PostgreSQL what came before may be told after the listening began.
  while (event.findingsOf.length === 0) event = await next();
  assert.deepEqual(event.hosts, (await lines(verifier)).hosts);
  assert.equal(event.hosts[0]?.verdict, 'failed');
  assert.deepEqual([event.findingsOf, event.gone], [[event.hosts[0]?.id], []]);
});

test('changes that come while a telling rests are told together, each host once', async (t) => {
  const verifier = await service(t);
  const next = await listen(t, verifier, 'lines');
  const names = ['a', 'b', 'c'];
  const agents = [];
  for (const name of names) agents.push(await enrol(verifier, await SimulatedHost.boot({ name })));
  for (const agent of [...agents, ...agents]) await agent.attest();
  const told: string[][] = [];
  const attested = new Set<string>();
  while (attested.size < names.length) {
    const { hosts } = await next();
    told.push(hosts.map(({ name }) => name));
    for (const { name, evidenceAt } of hosts) if (evidenceAt !== null) attested.add(name);
  }
  for (const hosts of told) assert.equal(new Set(hosts).size, hosts.length);
});

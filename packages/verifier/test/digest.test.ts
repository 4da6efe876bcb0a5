import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DigestDocument, route, ROUTES } from '@assay/wire';
import { nodeHasher } from '@assay/core/node';
import { toHex, utf8 } from '@assay/core/bytes';
import { SimulatedHost } from '@assay/testkit/evidence';
import type { Verifier } from '@assay/verifier';
import { openStore } from '../src/store/open.ts';
import { indexArrivals } from '../src/store/sightings.ts';
import { content, enrol } from './machine.ts';
import { call, newStore, refusal, service } from './service.ts';

const digestOf = (text: string): string => `sha256:${toHex(nodeHasher.digest('sha256', utf8(text)))}`;

async function who(verifier: Verifier, digest: string, query = ''): Promise<DigestDocument> {
  return content(await call(verifier, `${route(ROUTES.digest, digest)}?${query}`), DigestDocument);
}

test('a digest leads to every host, boot and path, before it is in the index and after', async (t) => {
  const store = await newStore(t);
  const verifier = await service(t, { store });
  const [one, two] = [
    await enrol(verifier, await SimulatedHost.boot({ name: 'web-01' })),
    await enrol(verifier, await SimulatedHost.boot({ name: 'web-02' })),
  ];
  for (const agent of [one, two]) await agent.host.execute('/usr/bin/tool', 'tool');
  await one.host.execute('/tmp/other-name', 'tool');
  for (const agent of [one, two]) await agent.attest();
  const rebooted = one.on(await one.host.reboot());
  await rebooted.host.execute('/usr/bin/tool', 'tool');
  await rebooted.attest();
  await rebooted.attest();
  const expected = ['web-01 /usr/bin/tool', 'web-02 /usr/bin/tool', 'web-01 /tmp/other-name', 'web-01 /usr/bin/tool'];
  const before = await who(verifier, digestOf('tool'));
  const database = await openStore(store);
  t.after(() => database.destroy());
  while (await indexArrivals(database));
  const rows = await database.selectFrom('boot_entries').select('indexed').execute();
  assert(rows.every(({ indexed }) => indexed === 1));
  const after = await who(verifier, digestOf('tool'));
  assert.deepEqual(after, before);
  assert.equal(after.hosts, 2);
  const found = after.sightings.map(({ host, path }) => `${host.name} ${path}`);
  assert.deepEqual(found.toSorted(), expected.toSorted());
  assert.deepEqual(after.looked.entries, 7);
});

test('sightings come in pages of boots, the newest first, and all pages together are all of them', async (t) => {
  const verifier = await service(t);
  let agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-01' }));
  const boots: number[] = [];
  for (let boot = 0; boot < 3; boot++) {
    await agent.host.execute('/usr/bin/tool', 'tool');
    const whole = { ...agent.challenge, list: { fromEntry: 1, fromOffset: 0 } };
    assert.equal((await agent.send(await agent.host.evidence(whole))).verified, true);
    agent = agent.on(await agent.host.reboot());
  }
  let cursor = '';
  do {
    const page = await who(verifier, digestOf('tool'), `limit=1${cursor}`);
    assert.equal(page.hosts, 1);
    boots.push(...page.sightings.map(({ boot }) => boot.id));
    cursor = page.next === null ? '' : `&cursor=${page.next}`;
  } while (cursor !== '');
  assert.equal(boots.length, 3);
  assert.deepEqual(
    boots,
    boots.toSorted((a, b) => b - a),
  );
});

test('a digest that nobody measured is an answer: how much was looked at, of how many hosts, since when', async (t) => {
  const verifier = await service(t);
  assert.deepEqual((await who(verifier, digestOf('tool'))).looked, { entries: 0, hosts: 0, since: null });
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-01' }));
  await agent.attest();
  const { looked, sightings, hosts } = await who(verifier, digestOf('tool'));
  assert.deepEqual([looked.entries, looked.hosts, sightings, hosts], [1, 1, [], 0]);
  assert.match(String(looked.since), /^\d{4}-/);
});

test('what is no digest is refused', async (t) => {
  const verifier = await service(t);
  assert.equal(refusal(await call(verifier, route(ROUTES.digest, "' or 1=1"))), '400 REQUEST-INVALID');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toHex, utf8 } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import { SimulatedHost } from '@assay/testkit/evidence';
import { FleetMeasurementList, ROUTES, type FleetMeasurement } from '@assay/wire';
import type { Verifier } from '@assay/verifier';
import { content, enrol, type TestAgent } from './machine.ts';
import { call, service } from './service.ts';

async function measured(verifier: Verifier, query = ''): Promise<FleetMeasurementList> {
  return content(await call(verifier, `${ROUTES.fleetMeasurements}?${query}`), FleetMeasurementList);
}

/** Three hosts: all run `all`, two `two`, each one of its own. */
async function fleet(verifier: Verifier): Promise<TestAgent[]> {
  const agents: TestAgent[] = [];
  for (const name of ['web-01', 'web-02', 'web-03']) {
    const agent = await enrol(verifier, await SimulatedHost.boot({ name }));
    await agent.host.execute('/usr/bin/all', 'all');
    if (name !== 'web-03') await agent.host.execute('/usr/bin/two', 'two');
    await agent.host.execute(`/opt/${name}`, name);
    await agent.attest();
    agents.push(agent);
  }
  return agents;
}

const short = ({ path, hosts }: FleetMeasurement): string => `${path} ${hosts}`;

test('each digest and path is there once, the rarest first, with its hosts; boot_aggregate is not', async (t) => {
  const verifier = await service(t);
  await fleet(verifier);
  const { measurements, counted, next } = await measured(verifier);
  const expected = ['/opt/web-03 1', '/opt/web-02 1', '/opt/web-01 1', '/usr/bin/two 2', '/usr/bin/all 3'];
  assert.deepEqual(measurements.map(short), expected);
  assert.equal(next, null);
  assert.equal(counted.hosts, 3);
  const [rarest] = measurements;
  assert.deepEqual([rarest?.hostNames, rarest?.template, rarest?.findings], [['web-03'], 'ima-ng', 0]);
  assert.equal(rarest?.digest, `sha256:${toHex(nodeHasher.digest('sha256', utf8('web-03')))}`);
  assert.deepEqual((await measured(verifier, 'order=common')).measurements.map(short), expected.toReversed());
});

test('pages together are the whole, in both orders', async (t) => {
  const verifier = await service(t);
  await fleet(verifier);
  for (const order of ['rare', 'common']) {
    const whole = await measured(verifier, `order=${order}`);
    const found: FleetMeasurement[] = [];
    let cursor = '';
    do {
      const page = await measured(verifier, `order=${order}&limit=1${cursor}`);
      assert.ok(page.measurements.length <= 1);
      found.push(...page.measurements);
      cursor = page.next === null ? '' : `&cursor=${page.next}`;
    } while (cursor !== '');
    assert.deepEqual(found, whole.measurements);
  }
});

test('it is searched by a part of path or digest, and by the number of hosts', async (t) => {
  const verifier = await service(t);
  await fleet(verifier);
  assert.deepEqual((await measured(verifier, 'text=BIN/T')).measurements.map(short), ['/usr/bin/two 2']);
  const [one] = (await measured(verifier, 'text=/opt/web-01')).measurements;
  assert.deepEqual((await measured(verifier, `text=${one?.digest.slice(7, 30)}`)).measurements, [one]);
  assert.equal((await measured(verifier, 'mostHosts=2')).measurements.length, 4);
  assert.deepEqual((await measured(verifier, 'text=nothing')).measurements, []);
});

test('what the present boot of a host does not have counts no more, and open findings are counted', async (t) => {
  const verifier = await service(t);
  const [first, second] = await fleet(verifier);
  assert.ok(first !== undefined && second !== undefined);
  const rebooted = first.on(await first.host.reboot());
  await rebooted.attest();
  await rebooted.attest();
  await second.capture();
  await second.host.execute('/usr/bin/all', 'tampered');
  await second.attest();
  const { measurements, counted } = await measured(verifier);
  assert.deepEqual(measurements.map(short), [
    '/usr/bin/all 1',
    '/opt/web-03 1',
    '/opt/web-02 1',
    '/usr/bin/two 1',
    '/usr/bin/all 2',
  ]);
  assert.deepEqual(
    measurements.map(({ findings }) => findings),
    [1, 0, 0, 0, 0],
  );
  assert.equal(counted.hosts, 3);
});

test('an empty fleet has nothing, and a cursor of another list is refused', async (t) => {
  const verifier = await service(t);
  const { measurements, counted } = await measured(verifier);
  assert.deepEqual([measurements, counted.hosts, counted.entries], [[], 0, 0]);
  assert.equal((await call(verifier, `${ROUTES.fleetMeasurements}?cursor=12`)).status, 400);
  assert.equal((await call(verifier, `${ROUTES.fleetMeasurements}?mostHosts=0`)).status, 400);
});

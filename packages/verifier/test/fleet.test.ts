import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { toHex, utf8 } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import { SimulatedHost } from '@assay/testkit/evidence';
import { HostList, ROUTES, route, ServerEvent } from '@assay/wire';
import type { Verifier } from '@assay/verifier';
import { captured, content, enrol } from './machine.ts';
import { call, post, refusal, service, TOKENS } from './service.ts';

function digestOf(text: string): string {
  return `sha256:${toHex(nodeHasher.digest('sha256', utf8(text)))}`;
}

/** Collects what `/v1/events` sends. */
async function listen(
  t: TestContext,
  verifier: Verifier,
): Promise<{ events: ServerEvent[]; until: (count: number) => Promise<void> }> {
  const ended = new AbortController();
  const { body } = await fetch(`${verifier.url}${ROUTES.events}`, { signal: ended.signal });
  t.after(() => ended.abort());
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  const events: ServerEvent[] = [];
  let text = '';
  const until = async (count: number): Promise<void> => {
    while (events.length < count) {
      const blocks = (text + ((await reader?.read())?.value ?? '')).split('\n\n');
      text = blocks.pop() ?? '';
      events.push(...blocks.filter((block) => block.startsWith('event: ')).map(eventIn));
    }
  };
  return { events, until };
}

function eventIn(block: string): ServerEvent {
  const [, type, data] = /^event: (\w+)\ndata: (.*)$/.exec(block) ?? [];
  const event = ServerEvent.parse(JSON.parse(data ?? ''));
  assert.equal(event.type, type);
  return event;
}

test('hosts are paged by name, and found by id and by name', async (t) => {
  const verifier = await service(t);
  for (const name of ['web-03', 'db-01', 'web-01']) await enrol(verifier, await SimulatedHost.boot({ name }));
  const page = async (query: string) => content(await call(verifier, `${ROUTES.hosts}?${query}`), HostList);
  const first = await page('limit=2');
  assert.deepEqual([first.hosts.map(({ name }) => name), first.next], [['db-01', 'web-01'], 'web-01']);
  const second = await page(`limit=2&cursor=${first.next}`);
  assert.deepEqual([second.hosts.map(({ name }) => name), second.next], [['web-03'], null]);
  const [host] = second.hosts;
  for (const key of [host?.id ?? '', 'web-03']) {
    assert.equal((await call(verifier, route(ROUTES.host, key))).status, 200);
  }
});

test('measurements are paged from both ends', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  assert.deepEqual((await agent.measurements()).measurements, []);
  for (let i = 2; i <= 5; i++) await agent.host.execute(`/usr/bin/${i}`, `${i}`);
  await agent.attest();
  const pages = async (order: string): Promise<number[][]> => {
    const entries: number[][] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { measurements, total, next } = await agent.measurements(`limit=2&order=${order}${cursor}`);
      assert.equal(total, 5);
      entries.push(measurements.map(({ entry }) => entry));
      cursor = next === null ? null : `&cursor=${next}`;
    }
    return entries;
  };
  assert.deepEqual(await pages('asc'), [[1, 2], [3, 4], [5]]);
  assert.deepEqual(await pages('desc'), [[5, 4], [3, 2], [1]]);
});

test('findings are paged, newest first, and chosen by host and state', async (t) => {
  const verifier = await service(t);
  const agent = await captured(verifier, 'web-03');
  for (const name of ['a', 'b', 'c']) await agent.host.execute(`/tmp/${name}`, name);
  await agent.attest();
  assert.deepEqual(
    (await agent.findings('limit=2')).map(({ id }) => id),
    ['F-3', 'F-2'],
  );
  assert.deepEqual(
    (await agent.findings('limit=2&cursor=2')).map(({ id }) => id),
    ['F-1'],
  );
  const other = await captured(verifier, 'web-04');
  assert.deepEqual(await other.findings(''), []);
});

test('a program that runs twice is one finding, seen again', async (t) => {
  let now = new Date('2026-09-01T12:00:00Z');
  const verifier = await service(t, { now: () => now });
  const agent = await captured(verifier, 'web-03');
  await agent.host.execute('/tmp/x', 'x');
  await agent.attest();
  now = new Date('2026-09-01T12:00:10Z');
  await agent.host.execute('/tmp/x', 'x');
  await agent.attest();
  const [finding, ...others] = await agent.findings();
  assert.deepEqual(others, []);
  assert.deepEqual([finding?.firstSeen, finding?.lastSeen], ['2026-09-01T12:00:00.000Z', '2026-09-01T12:00:10.000Z']);
});

test('a finding tells on how many hosts the same digest is open', async (t) => {
  const verifier = await service(t);
  const agents = [await captured(verifier, 'web-03'), await captured(verifier, 'web-04')];
  for (const agent of agents) {
    await agent.host.execute('/tmp/x', 'x');
    await agent.attest();
  }
  await agents[0]?.host.execute('/tmp/y', 'y');
  await agents[0]?.attest();
  const spread = async () =>
    (await agents[0]?.findings())?.map(({ evidence, blastRadius }) => [evidence.filenameHint, blastRadius.hosts]);
  assert.deepEqual(await spread(), [
    ['/tmp/y', 1],
    ['/tmp/x', 2],
  ]);
  await agents[1]?.capture();
  assert.deepEqual(await spread(), [
    ['/tmp/y', 1],
    ['/tmp/x', 1],
  ]);
});

test('another digest at a known path is a change, and names the path', async (t) => {
  const verifier = await service(t);
  const agent = await captured(verifier, 'web-03');
  await agent.host.execute('/usr/bin/true', 'true, altered');
  assert.equal((await agent.attest()).verdict, 'failed');
  assert.deepEqual(
    (await agent.findings()).map(({ code }) => code),
    ['IMA-DIGEST-CHANGED'],
  );
});

test('what a capture adds is known before it runs', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  await agent.attest();
  const capture = await agent.capture({ add: [{ digest: digestOf('ls'), path: '/usr/bin/ls' }] });
  assert.deepEqual([capture.version, capture.digests], [1, 1]);
  await agent.host.execute('/usr/bin/ls', 'ls');
  assert.equal((await agent.attest()).verdict, 'trusted');
  await agent.host.execute('/usr/bin/rm', 'rm');
  assert.equal((await agent.attest()).verdict, 'warning');
});

test('a later capture forgets what does not run any more and was only added', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  await agent.attest();
  await agent.capture({ add: [{ digest: digestOf('ls'), path: '/usr/bin/ls' }] });
  assert.equal((await agent.capture()).digests, 0);
  await agent.host.execute('/usr/bin/ls', 'ls');
  assert.equal((await agent.attest()).verdict, 'warning');
});

test('without evidence there is nothing to capture', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  const capture = () => post(verifier, route(ROUTES.captures, 'web-03'), TOKENS.operator, {});
  assert.equal(refusal(await capture()), '409 EVIDENCE-MISSING');
  assert.equal((await agent.detail()).verdict, 'pending');
});

test('evidence without reference values is never trusted', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  for (let round = 0; round < 3; round++) assert.equal((await agent.attest()).verdict, 'unverified');
  assert.equal((await agent.measurements()).measurements[0]?.status, 'boot-aggregate');
});

test('listeners see the host, its measurements and its findings as they change', async (t) => {
  const verifier = await service(t);
  const agent = await captured(verifier, 'web-03');
  const { events, until } = await listen(t, verifier);
  await agent.host.execute('/tmp/x', 'x');
  await agent.attest();
  await until(3);
  assert.deepEqual(
    events.map(({ type }) => type),
    ['host', 'measurements', 'finding'],
  );
  const [host, measurements, finding] = events;
  assert.equal(host?.type === 'host' && host.host.verdict, 'failed');
  assert.deepEqual(measurements?.type === 'measurements' && measurements.measurements.map(({ status }) => status), [
    'unknown',
  ]);
  assert.equal(finding?.type === 'finding' && finding.finding.open, true);
  await agent.capture();
  await until(6);
  assert.deepEqual(
    events.slice(3).map((event) => (event.type === 'finding' ? event.finding.open : event.type)),
    ['host', 'measurements', false],
  );
});

test('one event carries the newest 200 measurements of a round; the list has them all', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  const { events, until } = await listen(t, verifier);
  for (let i = 0; i < 250; i++) await agent.host.execute(`/usr/bin/${i}`, `${i}`);
  await agent.attest();
  await until(2);
  const entries = events.flatMap((event) =>
    event.type === 'measurements' ? event.measurements.map(({ entry }) => entry) : [],
  );
  assert.deepEqual([entries.length, entries[0], entries.at(-1)], [200, 52, 251]);
  assert.equal((await agent.measurements()).total, 251);
});

test('names from a host reach people escaped', async (t) => {
  const verifier = await service(t);
  const agent = await captured(verifier, 'web-03');
  await agent.host.execute('/tmp/\u202e\n\x1b[31mred', 'x');
  assert.doesNotMatch((await agent.attest()).sentence, /\p{C}/u);
  const [finding] = await agent.findings();
  assert.equal(finding?.evidence.filenameHint, '/tmp/\\u{202e}\\x0a\\x1b[31mred');
});

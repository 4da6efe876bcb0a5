import assert from 'node:assert/strict';
import { test } from 'node:test';
import { toBase64, toHex, utf8 } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import { SimulatedHost } from '@assay/testkit/evidence';
import type { Verifier } from '@assay/verifier';
import { DigestDocument, ListPartReply, route, ROUTES, type EvidenceMessage, type ListPlace } from '@assay/wire';
import { content, enrol, TestAgent } from './machine.ts';
import { call, newStore, refusal, service, type Answer } from './service.ts';

const START: ListPlace = { fromEntry: 1, fromOffset: 0 };

async function push(agent: TestAgent, from: ListPlace, bytes: Uint8Array, upload = 'one'): Promise<Answer> {
  const query = new URLSearchParams({
    bank: agent.host.list.bank,
    fromEntry: String(from.fromEntry),
    fromOffset: String(from.fromOffset),
    upload,
  });
  const headers = { 'content-type': 'application/octet-stream', authorization: `Bearer ${agent.token}` };
  return call(agent.verifier, `${ROUTES.listParts}?${query.toString()}`, {
    method: 'POST',
    headers,
    body: Buffer.from(bytes),
  });
}

async function pushed(agent: TestAgent, from: ListPlace, bytes: Uint8Array, upload?: string): Promise<ListPlace> {
  return content(await push(agent, from, bytes, upload), ListPartReply).list;
}

/** The list from a place on in parts of so many bytes, but for so many entries at its end. */
async function pushList(agent: TestAgent, from: ListPlace, size: number, tail = 1): Promise<ListPlace> {
  const { list } = agent.host;
  const end = list.offsetOf(list.entries + 1 - tail);
  let place = from;
  while (place.fromOffset < end) {
    const part = list.bytes().subarray(place.fromOffset, Math.min(place.fromOffset + size, end));
    place = await pushed(agent, place, part);
  }
  return place;
}

/** Evidence whose list begins at a place. */
async function evidenceFrom(agent: TestAgent, place: ListPlace): Promise<EvidenceMessage> {
  const message = await agent.host.evidence({ ...agent.challenge, list: place });
  return { ...message, list: { ...message.list, continues: true } };
}

async function runPrograms(agent: TestAgent, count: number, label: string): Promise<void> {
  for (let index = 0; index < count; index++)
    await agent.host.execute(`/usr/bin/${label}-${index}`, `${label} ${index}`);
}

async function enrolled(verifier: Pick<Verifier, 'url'>, name = 'web-03'): Promise<TestAgent> {
  return enrol(verifier, await SimulatedHost.boot({ name }));
}

test('a list that comes in parts is proved by the quote after them, judged and found', async (t) => {
  const verifier = await service(t);
  const agent = await enrolled(verifier);
  await agent.attest();
  await agent.capture();
  await runPrograms(agent, 40, 'tool');
  const place = await pushList(agent, agent.challenge.list, 1000);
  assert.equal(place.fromEntry, 41);
  assert.equal((await agent.detail()).verdict, 'trusted');
  assert.equal((await agent.measurements()).total, 1);
  const reply = await agent.send(await evidenceFrom(agent, place));
  assert.deepEqual([reply.verified, reply.verdict], [true, 'warning']);
  assert.deepEqual(reply.challenge.list, { fromEntry: 42, fromOffset: agent.host.list.bytes().length });
  const { total, measurements } = await agent.measurements('limit=100');
  assert.equal(total, 41);
  assert.deepEqual([...new Set(measurements.slice(1).map(({ status }) => status))], ['unknown']);
  assert.equal((await agent.findings('open=true&limit=100')).length, 40);
  const digest = `sha256:${toHex(nodeHasher.digest('sha256', utf8('tool 3')))}`;
  const found = content(await call(verifier, route(ROUTES.digest, digest)), DigestDocument);
  assert.deepEqual(
    found.sightings.map(({ path }) => path),
    ['/usr/bin/tool-3'],
  );
  await agent.host.execute('/usr/bin/more', 'more');
  assert.equal((await agent.attest()).verified, true);
  assert.equal((await agent.measurements()).total, 42);
});

test('parts are on the disk when they are answered: another verifier goes on from them', async (t) => {
  const store = await newStore(t);
  const agent = await enrolled(await service(t, { store }));
  await runPrograms(agent, 20, 'tool');
  const half = await pushed(agent, START, agent.host.list.bytes().subarray(0, 1200));
  assert(half.fromEntry > 1 && half.fromEntry < 20);
  agent.verifier = await service(t, { store });
  assert.deepEqual(await pushed(agent, START, agent.host.list.bytes().subarray(0, 500)), half);
  const place = await pushList(agent, half, 700);
  assert.equal((await agent.send(await evidenceFrom(agent, place))).verified, true);
  assert.equal((await agent.measurements()).total, 21);
});

test('parts are judged alike where they were taken and where they are read from the store', async (t) => {
  const store = await newStore(t);
  const [first, second] = [await service(t, { store }), await service(t, { store })];
  const found: unknown[] = [];
  for (const [name, prover] of [['web-03', first] as const, ['web-04', second] as const]) {
    const agent = await enrolled(first, name);
    await agent.attest();
    await agent.capture();
    await runPrograms(agent, 30, 'tool');
    const place = await pushList(agent, agent.challenge.list, 1000);
    agent.verifier = prover;
    assert.equal((await agent.send(await evidenceFrom(agent, place))).verdict, 'warning');
    const { measurements } = await agent.measurements('limit=100');
    const findings = await agent.findings('open=true&limit=100');
    found.push([
      measurements.map(({ entry, filenameHint, status }) => [entry, filenameHint, status]),
      findings.map(({ code, evidence }) => [code, evidence.entry, evidence.filenameHint]),
    ]);
  }
  assert.deepEqual(found[0], found[1]);
});

test('parts of another upload are forgotten, and a part that does not fit is passed over', async (t) => {
  const agent = await enrolled(await service(t));
  await runPrograms(agent, 10, 'tool');
  const place = await pushed(agent, START, agent.host.list.bytes().subarray(0, 700));
  const far = { fromEntry: place.fromEntry + 1, fromOffset: place.fromOffset + 100 };
  assert.deepEqual(await pushed(agent, far, Uint8Array.of(1)), place);
  assert.deepEqual(await pushed(agent, far, Uint8Array.of(1), 'two'), START);
  assert.deepEqual(await pushed(agent, START, agent.host.list.bytes().subarray(0, 20), 'two'), START);
});

test('a forged part is refused and changes nothing; parts that lead elsewhere are refused with the evidence', async (t) => {
  const agent = await enrolled(await service(t));
  await runPrograms(agent, 10, 'tool');
  const bytes = agent.host.list.bytes().slice(0, agent.host.list.offsetOf(9));
  const forged = bytes.with(bytes.length - 2, (bytes.at(-2) ?? 0) ^ 1);
  assert.match(refusal(await push(agent, START, forged)), /IMA-TEMPLATE-DIGEST$/);
  assert.match(
    refusal(
      await push(
        agent,
        START,
        Uint8Array.from({ length: 64 }, () => 0xff),
      ),
    ),
    /LIST-PCR$/,
  );
  const other = await SimulatedHost.boot({ name: 'other' });
  await other.execute('/usr/bin/other', 'other');
  const place = await pushed(agent, START, other.list.bytes());
  const evil = await agent.send(await evidenceFrom(agent, place));
  assert.deepEqual([evil.verified, evil.errors.map(({ code }) => code)], [false, ['IMA-REPLAY']]);
  assert.deepEqual(evil.challenge.list, START);
  assert.equal((await agent.attest()).verified, true);
});

test('a list that is sent again from its start in parts has to begin with what was verified before', async (t) => {
  const agent = await enrolled(await service(t));
  await runPrograms(agent, 5, 'early');
  await agent.attest();
  await runPrograms(agent, 10, 'late');
  const cut = await pushed(agent, START, agent.host.list.bytes().subarray(0, 1500));
  assert.equal(cut.fromEntry, 7);
  const place = await pushList(agent, cut, 400);
  assert.equal((await agent.send(await evidenceFrom(agent, place))).verified, true);
  assert.equal((await agent.measurements()).total, 16);
  const other = await SimulatedHost.boot({ name: 'other' });
  for (let index = 0; index < 20; index++) await other.execute(`/usr/bin/${index}`, `${index}`);
  const wrong = await pushed(agent, START, other.list.bytes(), 'two');
  assert.equal(wrong.fromEntry, 17);
  const refused = await agent.send(await evidenceFrom(agent, wrong));
  assert.deepEqual(
    refused.errors.map(({ code }) => code),
    ['IMA-REPLAY'],
  );
});

test('evidence that continues parts which are not there is a gap, and so are parts of the boot before', async (t) => {
  const agent = await enrolled(await service(t));
  await agent.attest();
  await runPrograms(agent, 5, 'tool');
  const nothing = await agent.send(
    await evidenceFrom(agent, { fromEntry: 4, fromOffset: agent.host.list.offsetOf(4) }),
  );
  assert.deepEqual(
    nothing.errors.map(({ code }) => code),
    ['IMA-LOG-GAP'],
  );
  const place = await pushList(agent, { fromEntry: 2, fromOffset: agent.host.list.offsetOf(2) }, 5000);
  const rebooted = agent.on(await agent.host.reboot());
  rebooted.challenge = agent.challenge;
  await runPrograms(rebooted, 5, 'tool');
  const gap = await rebooted.send(await evidenceFrom(rebooted, place));
  assert.deepEqual(
    gap.errors.map(({ code }) => code),
    ['IMA-LOG-GAP'],
  );
  assert.equal((await rebooted.attest()).verified, true);
  assert.deepEqual(await rebooted.findings(), []);
});

test('parts are taken from the agent of the host only, and as bytes only', async (t) => {
  const verifier = await service(t);
  const agent = await enrolled(verifier);
  const { hostId, challenge } = agent;
  const stranger = new TestAgent(verifier, agent.host, { hostId, challenge, token: 'x'.repeat(43) });
  assert.equal(refusal(await push(stranger, START, Uint8Array.of(1))), '401 REQUEST-UNAUTHENTICATED');
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${agent.token}` };
  const query = 'bank=sha256&fromEntry=1&fromOffset=0&upload=one';
  const body = JSON.stringify({ bytes: toBase64(Uint8Array.of(1)) });
  const answer = await call(verifier, `${ROUTES.listParts}?${query}`, { method: 'POST', headers, body });
  assert.equal(refusal(answer), '415 REQUEST-MEDIA-TYPE');
});

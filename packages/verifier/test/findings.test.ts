import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { SimulatedHost } from '@assay/testkit/evidence';
import {
  AlertList,
  AuditPage,
  FindingDocument,
  FindingList,
  route,
  ROUTES,
  ServerEvent,
  TokenReply,
  type Finding,
  type Role,
} from '@assay/wire';
import type { Verifier } from '@assay/verifier';
import { renewAlerts } from '../src/alerts/renew.ts';
import { openStore } from '../src/store/open.ts';
import { content, enrol, type TestAgent } from './machine.ts';
import { call, newStore, post, problemIn, refusal, service, TOKENS, type Answer } from './service.ts';

const STRANGER = '/tmp/x';
const HOUR = 3_600_000;

/** A verifier whose clock stands until it is moved. */
interface Clock {
  now: Date;
}

async function fleet(t: TestContext, names: readonly string[]) {
  const clock: Clock = { now: new Date('2026-11-22T12:00:00.000Z') };
  const store = await newStore(t);
  const verifier = await service(t, { store, now: () => clock.now, staleAfterSeconds: 864_000 });
  const agents: TestAgent[] = [];
  for (const name of names) {
    const agent = await enrol(verifier, await SimulatedHost.boot({ name }));
    await agent.host.execute('/usr/bin/true', 'true');
    await agent.attest();
    await agent.capture();
    agents.push(agent);
  }
  return { clock, store, verifier, agents };
}

async function stranger(agent: TestAgent): Promise<Finding> {
  await agent.host.execute(STRANGER, 'stranger');
  await agent.attest();
  const found = (await agent.findings()).find(({ evidence }) => evidence.filenameHint === STRANGER);
  assert.ok(found !== undefined);
  return found;
}

const later = (clock: Clock, milliseconds: number): string =>
  new Date(clock.now.getTime() + milliseconds).toISOString();

const acknowledge = (verifier: Verifier, id: string, body: object, token = TOKENS.operator): Promise<Answer> =>
  post(verifier, route(ROUTES.findingAcknowledgement, id), token, body);

const resolve = (verifier: Verifier, id: string, token = TOKENS.operator): Promise<Answer> =>
  post(verifier, route(ROUTES.findingResolution, id), token, { reason: 'the update was ours' });

async function tokenOf(verifier: Verifier, name: string, role: Role): Promise<string> {
  return content(await post(verifier, ROUTES.tokens, TOKENS.operator, { name, role }), TokenReply).secret;
}

/** The open alerts after a pass at the time of the clock. */
async function alertsAt(verifier: Verifier, store: string, clock: Clock) {
  const database = await openStore(store, () => undefined);
  try {
    for (let tries = 1; ; tries++) {
      await renewAlerts(database, [], clock.now);
      // What is open is told when it has settled.
      await renewAlerts(database, [], new Date(clock.now.getTime() + 10_000));
      const rows = await database.selectFrom('alerts').selectAll().where('resolved_at', 'is', null).execute();
      const { alerts } = content(await call(verifier, `${ROUTES.alerts}?open=true`), AlertList);
      if (alerts.length === rows.length) return alerts;
      assert.ok(tries < 5, `${alerts.length} alerts of ${rows.length}`); // The verifier may look for itself in between.
    }
  } finally {
    await database.destroy();
  }
}

describe('a finding that somebody knows of', () => {
  test('stays open and counts, and says who knows of it, why and until when', async (t) => {
    const { clock, verifier, agents } = await fleet(t, ['web-01']);
    const [agent] = agents;
    assert.ok(agent !== undefined);
    const { id } = await stranger(agent);
    const until = later(clock, 24 * HOUR);
    const alice = await tokenOf(verifier, 'alice', 'operator');
    const viewer = await tokenOf(verifier, 'eve', 'viewer');
    assert.equal(refusal(await acknowledge(verifier, id, { reason: 'x', until }, viewer)), '403 REQUEST-FORBIDDEN');
    const answer = await acknowledge(verifier, id, { reason: 'a trial of ours', until }, alice);
    const { finding } = content(answer, FindingDocument);
    const expected = { by: 'alice', at: clock.now.toISOString(), until, reason: 'a trial of ours' };
    assert.deepEqual([finding.open, finding.acknowledgement, finding.resolution], [true, expected, null]);
    const detail = await agent.detail();
    assert.deepEqual([detail.verdict, detail.openFindings], ['failed', 1]);
    assert.deepEqual(content(await call(verifier, route(ROUTES.finding, id)), FindingDocument).finding, finding);
    const listed = async (query: string) =>
      content(await call(verifier, `${ROUTES.findings}?${query}`), FindingList).findings.length;
    assert.deepEqual(
      [
        await listed('acknowledged=true'),
        await listed('acknowledged=false'),
        await listed('code=IMA-UNKNOWN-DIGEST'),
        await listed('code=BOOT-AGGREGATE'),
        await listed(`digest=${finding.evidence.digest}`),
      ],
      [1, 0, 1, 0, 1],
    );
    clock.now = new Date(Date.parse(until) + 1);
    assert.equal((await agent.findings())[0]?.acknowledgement, null, 'its time is over');
  });

  test('alerts nobody, not in the next boot either, until its time is over or it is withdrawn', async (t) => {
    const { clock, store, verifier, agents } = await fleet(t, ['web-01']);
    const [agent] = agents;
    assert.ok(agent !== undefined);
    const { id } = await stranger(agent);
    assert.equal((await alertsAt(verifier, store, clock)).length, 1);
    content(await acknowledge(verifier, id, { reason: 'known', until: later(clock, HOUR) }), FindingDocument);
    assert.deepEqual(
      (await alertsAt(verifier, store, clock)).map(({ acknowledged }) => acknowledged),
      [true],
    );
    const rebooted = agent.on(await agent.host.reboot());
    await rebooted.host.execute('/usr/bin/true', 'true');
    // The challenge of before the reboot asks for the list from where it stood.
    await rebooted.attest();
    await rebooted.attest();
    assert.deepEqual(await alertsAt(verifier, store, clock), [], 'it went with the boot');
    const again = await stranger(rebooted);
    assert.notEqual(again.id, id);
    assert.equal(again.acknowledgement?.reason, 'known');
    assert.deepEqual(await alertsAt(verifier, store, clock), []);
    clock.now = new Date(clock.now.getTime() + 2 * HOUR);
    assert.deepEqual(
      (await alertsAt(verifier, store, clock)).map(({ acknowledged }) => acknowledged),
      [false],
    );
    content(await acknowledge(verifier, again.id, { reason: 'known', until: later(clock, HOUR) }), FindingDocument);
    const headers = { authorization: `Bearer ${TOKENS.operator}` };
    const path = route(ROUTES.findingAcknowledgement, again.id);
    const withdrawn = content(await call(verifier, path, { method: 'DELETE', headers }), FindingDocument);
    assert.equal(withdrawn.finding.acknowledgement, null);
    assert.deepEqual(
      (await alertsAt(verifier, store, clock)).map(({ acknowledged }) => acknowledged),
      [false],
    );
  });

  test('is known of on each host that has it where that is asked for, and on no other', async (t) => {
    const { clock, store, verifier, agents } = await fleet(t, ['web-01', 'web-02', 'web-03']);
    const [first, second, third] = agents;
    assert.ok(first !== undefined && second !== undefined && third !== undefined);
    const { id } = await stranger(first);
    await stranger(second);
    const body = { reason: 'rolled out', until: later(clock, HOUR), everywhere: true };
    content(await acknowledge(verifier, id, body), FindingDocument);
    assert.equal((await second.findings())[0]?.acknowledgement?.reason, 'rolled out');
    // The verifier looks for itself every second, and may have opened an alert before somebody knew.
    const unknown = (await alertsAt(verifier, store, clock)).filter(({ acknowledged }) => !acknowledged);
    assert.deepEqual(unknown, []);
    assert.equal((await stranger(third)).acknowledgement, null);
    assert.deepEqual(
      (await alertsAt(verifier, store, clock)).map(({ hosts, acknowledged }) => [hosts, acknowledged]),
      [[3, false]],
    );
  });

  test('is refused without a reason, without an end, after it ended, and where there is none', async (t) => {
    const { clock, verifier, agents } = await fleet(t, ['web-01']);
    const [agent] = agents;
    assert.ok(agent !== undefined);
    const { id } = await stranger(agent);
    const until = later(clock, HOUR);
    for (const body of [
      { until },
      { reason: ' ', until },
      { reason: 'a\nb', until },
      { reason: 'x' },
      { reason: 'x', until: later(clock, -1) },
      { reason: 'x', until: later(clock, 400 * 24 * HOUR) },
      { reason: 'x', until, more: 1 },
    ]) {
      assert.equal(refusal(await acknowledge(verifier, id, body)), '400 REQUEST-INVALID');
    }
    assert.equal(refusal(await acknowledge(verifier, 'F-999', { reason: 'x', until })), '404 REQUEST-NOT-FOUND');
    await agent.capture();
    assert.equal(refusal(await acknowledge(verifier, id, { reason: 'x', until })), '409 FINDING-CLOSED');
    const { finding } = content(await call(verifier, route(ROUTES.finding, id)), FindingDocument);
    assert.deepEqual(finding.resolution, { at: clock.now.toISOString(), by: null, reason: null }, 'it ended by itself');
  });
});

describe('resolving', () => {
  test('is refused while the evidence shows the finding, and says what would end it', async (t) => {
    const { verifier, agents } = await fleet(t, ['web-01']);
    const [agent] = agents;
    assert.ok(agent !== undefined);
    const { id, evidence } = await stranger(agent);
    const answer = await resolve(verifier, id);
    assert.equal(refusal(answer), '409 FINDING-SHOWN');
    const detail = `Entry ${evidence.entry} of the present boot shows it. This ends when the digest is captured (assay reference capture), or with a boot of the host in which it does not happen.`;
    assert.equal(problemIn(answer).detail, detail);
    const tampered = await agent.host.evidence(agent.challenge);
    await agent.send({ ...tampered, quote: { ...tampered.quote, signature: tampered.quote.message } });
    const refused = (await agent.findings()).find(({ code }) => code === 'EVIDENCE-FORMAT');
    assert.ok(refused !== undefined);
    assert.match(problemIn(await resolve(verifier, refused.id)).detail, /ends by itself with the next evidence/);
  });

  test('ends what the evidence does not show any more, with who did it and why, and tells it', async (t) => {
    const { clock, verifier, agents } = await fleet(t, ['web-01']);
    const [before] = agents;
    assert.ok(before !== undefined);
    const agent = before.on(await before.host.reboot({ firmwareVersion: 0x2_0000_0000_0000n }));
    await agent.attest();
    await agent.attest();
    const [finding] = await agent.findings();
    assert.equal(finding?.code, 'TPM-FIRMWARE-CHANGED');
    assert.equal((await agent.detail()).verdict, 'warning');
    const stream = await fetch(`${verifier.url}${ROUTES.events}`);
    const told = firstEnded(stream);
    const bob = await tokenOf(verifier, 'bob', 'operator');
    const ended = content(await resolve(verifier, finding.id, bob), FindingDocument).finding;
    const at = clock.now.toISOString();
    assert.deepEqual([ended.open, ended.resolution], [false, { at, by: 'bob', reason: 'the update was ours' }]);
    assert.equal((await agent.detail()).verdict, 'trusted');
    assert.deepEqual(await told, ended);
    assert.equal(refusal(await resolve(verifier, finding.id)), '409 FINDING-CLOSED');
    const headers = { authorization: `Bearer ${TOKENS.operator}` };
    const { entries } = content(await call(verifier, ROUTES.audit, { headers }), AuditPage);
    const last = entries.at(-1);
    assert.deepEqual([last?.actor, last?.action, last?.subject], ['bob', 'finding.resolve', finding.id]);
    assert.match(last?.detail ?? '', /"code":"TPM-FIRMWARE-CHANGED".*"reason":"the update was ours"/);
  });
});

/** The first finding that ended of which the listeners are told. */
async function firstEnded(stream: Response): Promise<Finding | undefined> {
  let text = '';
  assert.ok(stream.body !== null);
  for await (const chunk of stream.body.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (const [, data = ''] of text.matchAll(/event: finding\ndata: (.*)\n\n/g)) {
      const event = ServerEvent.parse(JSON.parse(data));
      if (event.type === 'finding' && !event.finding.open) return event.finding;
    }
  }
  return undefined;
}

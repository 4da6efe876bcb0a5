import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBase64, fromHex } from '@assay/core/bytes';
import { verifyEvidence } from '@assay/core/evidence';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import { checkAttestationKey, parsePublic } from '@assay/core/tpm';
import { SimulatedHost } from '@assay/testkit/evidence';
import {
  AuditPage,
  EvidenceBundle,
  FleetDocument,
  HostDocument,
  HostTimeline,
  LabelsReply,
  ROUTES,
  route,
} from '@assay/wire';
import type { Verifier } from '@assay/verifier';
import { captured, content, enrol } from './machine.ts';
import { call, post, refusal, service, TOKENS } from './service.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** A clock that the test sets. */
function clock(at = '2026-09-01T12:00:05.000Z') {
  let time = Date.parse(at);
  return {
    now: () => new Date(time),
    pass: (milliseconds: number) => {
      time += milliseconds;
    },
  };
}

const fleet = async (verifier: Verifier): Promise<FleetDocument> =>
  content(await call(verifier, ROUTES.fleet), FleetDocument);

const timeline = async (verifier: Verifier, host: string): Promise<HostTimeline> =>
  content(await call(verifier, route(ROUTES.timeline, host)), HostTimeline);

test('a fleet of none is counted, too', async (t) => {
  const { hosts, verdicts, causes, policies, history } = await fleet(await service(t));
  assert.deepEqual([hosts, causes, policies], [0, [], []]);
  assert.deepEqual(verdicts, { trusted: 0, warning: 0, failed: 0, stale: 0, unverified: 0, pending: 0 });
  assert.equal(history.verdicts.trusted?.length, 145);
});

test('the day tells how many hosts had which verdict, and when that changed', async (t) => {
  const time = clock();
  const verifier = await service(t, { now: time.now });
  await captured(verifier, 'web-03');
  time.pass(HOUR);
  await captured(verifier, 'db-01');
  const { verdicts, history, at } = await fleet(verifier);
  assert.deepEqual([verdicts.trusted, verdicts.stale], [1, 1]);
  assert.deepEqual(history.verdicts.trusted?.slice(-8), [0, 1, 1, 1, 1, 1, 1, 1]);
  assert.deepEqual(history.verdicts.stale?.slice(-8), [0, 0, 0, 0, 0, 0, 0, 1]);
  assert.equal(Date.parse(history.from) + 144 * history.stepSeconds * SECOND <= Date.parse(at), true);
});

test('open findings of one kind on several hosts are one cause, with its hosts', async (t) => {
  const verifier = await service(t);
  for (const name of ['web-03', 'db-01']) {
    const agent = await captured(verifier, name);
    await agent.host.execute('/tmp/x', 'x');
    await agent.attest();
  }
  const { causes, causesInAll, captured: own, withoutReference } = await fleet(verifier);
  assert.deepEqual(
    causes.map(({ code, hosts, hostNames }) => [code, hosts, hostNames]),
    [['IMA-UNKNOWN-DIGEST', 2, ['db-01', 'web-03']]],
  );
  assert.deepEqual([causesInAll, own, withoutReference], [1, 2, 0]);
});

test('a timeline tells verdicts, boots, arrivals and findings, each with its time', async (t) => {
  const time = clock();
  const verifier = await service(t, { now: time.now });
  const agent = await captured(verifier, 'web-03');
  time.pass(5 * SECOND);
  await agent.host.execute('/tmp/x', 'x');
  await agent.attest();
  time.pass(5 * SECOND);
  await agent.capture();
  const { verdicts, boots, arrivals, captures, findings } = await timeline(verifier, 'web-03');
  assert.deepEqual(
    verdicts.map(({ at, verdict, entries }) => [at.slice(17, 19), verdict, entries]),
    [
      ['15', 'trusted', 3],
      ['10', 'failed', 3],
      ['05', 'trusted', 2],
      ['05', 'unverified', 2],
      ['05', 'pending', 0],
    ],
  );
  assert.deepEqual(
    boots.map(({ entries, until }) => [entries, until]),
    [[3, null]],
  );
  assert.deepEqual(
    arrivals.map(({ at, first, count }) => [at.slice(17, 19), first, count]),
    [
      ['10', 3, 1],
      ['05', 1, 2],
    ],
  );
  assert.deepEqual(
    captures.map(({ version, digests }) => [version, digests]),
    [
      [2, 2],
      [1, 1],
    ],
  );
  assert.deepEqual(
    findings.map(({ code, from, until }) => [code, from.slice(17, 19), until?.slice(17, 19)]),
    [['IMA-UNKNOWN-DIGEST', '10', '15']],
  );
});

test('a bundle is the newest evidence, and verifies without the verifier', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  const path = route(ROUTES.proof, 'web-03');
  assert.equal(refusal(await call(verifier, path)), '409 EVIDENCE-MISSING');
  await agent.host.execute('/usr/bin/true', 'true');
  await agent.attest();
  await agent.host.execute('/tmp/x', 'x');
  await agent.attest();
  await agent.attest();
  const answer = await call(verifier, path);
  assert.match(String(answer.headers['content-disposition']), /attachment; filename="web-03\.evidence\.json"/);
  const bundle = content(answer, EvidenceBundle);
  const evidence = verifyEvidence(
    {
      ak: checkAttestationKey(parsePublic(fromBase64(bundle.akPublic)), nodeHasher),
      nonce: fromHex(bundle.nonce),
      session: bundle.session,
      selection: [{ bank: 'sha256', pcrs: Object.keys(bundle.pcrs).map(Number) }],
      facts: bundle.facts,
      message: fromBase64(bundle.quote.message),
      signature: fromBase64(bundle.quote.signature),
      pcrs: new Map(Object.entries(bundle.pcrs).map(([pcr, value]) => [Number(pcr), fromHex(value)])),
      list: { bank: 'sha256', fromEntry: 1, fromOffset: 0, bytes: fromBase64(bundle.list.entries) },
      kept: null,
    },
    nodeCrypto,
  );
  assert.ok(evidence.ok);
  assert.equal(evidence.evidence.entries.length, 3);
});

test('labels are set and taken away by operators, shown with the host, and in the audit log', async (t) => {
  const verifier = await service(t);
  await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  const path = route(ROUTES.labels, 'web-03');
  const label = (labels: unknown, token = TOKENS.operator) => post(verifier, path, token, { labels });
  assert.deepEqual(content(await label({ role: 'web', site: 'berlin' }), LabelsReply).labels, {
    role: 'web',
    site: 'berlin',
  });
  assert.deepEqual(content(await label({ site: null, rack: '7' }), LabelsReply).labels, { rack: '7', role: 'web' });
  const { host } = content(await call(verifier, route(ROUTES.host, 'web-03')), HostDocument);
  assert.deepEqual(host.labels, { rack: '7', role: 'web' });
  assert.equal(refusal(await label({ role: 'x' }, TOKENS.join)), '403 REQUEST-FORBIDDEN');
  const log = await call(verifier, ROUTES.audit, { headers: { authorization: `Bearer ${TOKENS.operator}` } });
  assert.equal(content(log, AuditPage).entries.filter(({ action }) => action === 'host.label').length, 2);
});

test('labels that are no labels are refused', async (t) => {
  const verifier = await service(t);
  await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  const many = Object.fromEntries(Array.from({ length: 33 }, (_, index) => [`n${index}`, 'x']));
  const hostile = [{ '<b>': 'x' }, { Role: 'x' }, { role: '\u202e' }, { role: 'x'.repeat(64) }, { '': 'x' }, many];
  for (const labels of hostile) {
    const answer = await post(verifier, route(ROUTES.labels, 'web-03'), TOKENS.operator, { labels });
    assert.equal(refusal(answer), '400 REQUEST-INVALID', JSON.stringify(labels).slice(0, 80));
  }
});

test('the list of a host is given as it was known at a time, judged by what was in force then', async (t) => {
  const time = clock();
  const verifier = await service(t, { now: time.now });
  const first = time.now().toISOString();
  const host = await SimulatedHost.boot({ name: 'web-03' });
  t.after(() => host.tpm.close());
  const agent = await enrol(verifier, host);
  const listAt = async (query: string): Promise<string[]> =>
    (await agent.measurements(query)).measurements.map(({ entry, status }) => `${entry} ${status}`);
  time.pass(SECOND);
  await host.execute('/usr/bin/true', 'true');
  await agent.attest();
  const unjudged = time.now().toISOString();
  time.pass(SECOND);
  await agent.capture();
  const captured = time.now().toISOString();
  time.pass(SECOND);
  await host.execute('/tmp/x', 'x');
  await agent.attest();
  const failed = time.now().toISOString();
  time.pass(SECOND);
  await agent.capture();
  assert.deepEqual(await listAt(''), ['1 boot-aggregate', '2 known', '3 known']);
  assert.deepEqual(await listAt(`at=${failed}`), ['1 boot-aggregate', '2 known', '3 unknown']);
  assert.deepEqual(await listAt(`at=${captured}`), ['1 boot-aggregate', '2 known']);
  assert.deepEqual(await listAt(`at=${unjudged}`), ['1 boot-aggregate', '2 unjudged']);
  assert.deepEqual(await listAt(`at=${first}`), []);
  assert.equal((await agent.measurements(`at=${failed}&order=desc&limit=1`)).next, '3');
  assert.equal(refusal(await call(verifier, `${route(ROUTES.measurements, 'web-03')}?at=then`)), '400 REQUEST-INVALID');
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { utf8 } from '@assay/core/bytes';
import { checkedReference, emptyReference, pooled, type ReferenceDocument } from '@assay/core/reference';
import { SimulatedHost } from '@assay/testkit/evidence';
import { ExcludedList, PolicyList, PolicyReply, route, ROUTES, type HostDetail } from '@assay/wire';
import type { Verifier } from '@assay/verifier';
import { content, enrol, type TestAgent } from './machine.ts';
import { call, post, refusal, service, TOKENS } from './service.ts';

const DAY = 86_400_000;
const START = new Date('2026-11-22T12:00:00.000Z');
const inDays = (days: number): string => new Date(START.getTime() + days * DAY).toISOString();
const digestOf = (text: string): string => `sha256:${createHash('sha256').update(utf8(text)).digest('hex')}`;
const TRUE = '/usr/bin/true';
const POOL = {
  id: 'coreutils_9',
  kind: 'package',
  name: 'coreutils',
  version: '9',
  digests: pooled([{ digest: digestOf('true'), path: TRUE }]),
} as const;

function document(version: number, change: Partial<ReferenceDocument>): string {
  const base = emptyReference('web', version, '2026-11-22T00:00:00Z');
  return new TextDecoder().decode(checkedReference({ ...base, pools: [POOL], ...change }).canonical);
}

async function bringIntoForce(verifier: Verifier, version: number, change: Partial<ReferenceDocument>): Promise<void> {
  await post(verifier, ROUTES.policies, TOKENS.operator, { document: document(version, change) });
  const activation = { version, hosts: 'all' };
  content(await post(verifier, route(ROUTES.policyActivation, 'web'), TOKENS.operator, activation), PolicyReply);
}

/** A host that runs /usr/bin/true and /opt/x, judged by version 1, and a clock that stands until it is moved. */
async function running(t: TestContext, change: Partial<ReferenceDocument>) {
  const clock = { now: START };
  const verifier = await service(t, { now: () => clock.now, staleAfterSeconds: 864_000 });
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-01' }));
  await agent.host.execute(TRUE, 'true');
  await agent.host.execute('/opt/x', 'x');
  await agent.attest();
  await bringIntoForce(verifier, 1, change);
  return { clock, verifier, agent };
}

/** The verifier looks at its clock every second. */
async function eventually(agent: TestAgent, verdict: HostDetail['verdict']): Promise<HostDetail> {
  for (;;) {
    const detail = await agent.detail();
    if (detail.verdict === verdict) return detail;
    await delay(50);
  }
}

const policies = async (verifier: Verifier): Promise<PolicyList> =>
  content(await call(verifier, ROUTES.policies), PolicyList);

const hole = { form: 'glob', pattern: '/opt/**', reason: 'trial', owner: 'ops' } as const;
const known = { files: [{ path: '/opt/x', digests: [digestOf('x')] }] };

describe('what is in force', { timeout: 120_000 }, () => {
  test('ends at its time: a warning at every host, until a newer version is in force', async (t) => {
    const { clock, verifier, agent } = await running(t, { ...known, validUntil: inDays(20) });
    assert.equal((await agent.detail()).verdict, 'trusted');
    const [version] = (await policies(verifier)).policies;
    assert.deepEqual([version?.validUntil, version?.nextEnd], [inDays(20), inDays(20)]);
    const figure = async (state: string): Promise<string | undefined> =>
      new RegExp(`^assay_policies_expiring\\{state="${state}"\\} (\\d)$`, 'm').exec(
        (await call(verifier, ROUTES.metrics)).text,
      )?.[1];
    assert.deepEqual([await figure('soon'), await figure('over')], ['0', '0']);
    clock.now = new Date(Date.parse(inDays(7)));
    assert.deepEqual([await figure('soon'), await figure('over')], ['1', '0']);
    clock.now = new Date(Date.parse(inDays(20)) + 1000);
    await agent.askChallenge();
    await agent.attest();
    await eventually(agent, 'warning');
    const [finding] = await agent.findings();
    assert.equal(finding?.code, 'POLICY-EXPIRED');
    assert.equal(finding.sentence, `Version 1 of web, which judges this host, was good until ${inDays(20)}.`);
    assert.deepEqual([await figure('soon'), await figure('over')], ['0', '1']);
    await agent.attest();
    const rebooted = agent.on(await agent.host.reboot());
    await rebooted.attest();
    await rebooted.attest();
    assert.equal((await agent.findings())[0]?.id, finding.id, 'no evidence ends it, a reboot neither');
    const resolved = await post(verifier, route(ROUTES.findingResolution, finding.id), TOKENS.operator, {
      reason: 'x',
    });
    assert.equal(refusal(resolved), '409 FINDING-SHOWN');
    await bringIntoForce(verifier, 2, { ...known, validUntil: inDays(90) });
    assert.equal((await agent.detail()).verdict, 'trusted');
  });

  test('loses an exclude at its time: what ran under it becomes a finding without anybody doing anything', async (t) => {
    const { clock, verifier, agent } = await running(t, { excludes: [{ ...hole, expires: inDays(1) }] });
    assert.equal((await agent.detail()).verdict, 'trusted');
    const excluded = content(await call(verifier, route(ROUTES.policyExcluded, 'web')), ExcludedList);
    const { pattern, reason, owner } = hole;
    const row = {
      pattern,
      reason,
      owner,
      expires: inDays(1),
      digest: digestOf('x'),
      path: '/opt/x',
      hosts: ['web-01'],
    };
    assert.deepEqual([excluded.version, excluded.entries], [1, [row]]);
    clock.now = new Date(Date.parse(inDays(1)) + 1000);
    await eventually(agent, 'warning');
    assert.equal((await agent.findings())[0]?.evidence.filenameHint, '/opt/x');
    assert.deepEqual(content(await call(verifier, route(ROUTES.policyExcluded, 'web')), ExcludedList).entries, []);
    assert.equal(refusal(await call(verifier, route(ROUTES.policyExcluded, 'db'))), '404 REQUEST-NOT-FOUND');
  });

  test('loses a pool at its time, one after the other', async (t) => {
    const first = {
      ...POOL,
      id: 'coreutils_8',
      version: '8',
      until: inDays(1),
      digests: pooled([{ digest: digestOf('true'), path: TRUE }]),
    };
    const second = { ...POOL, until: inDays(2), digests: pooled([{ digest: digestOf('x'), path: '/opt/x' }]) };
    const { clock, verifier, agent } = await running(t, { pools: [first, second] });
    assert.equal((await agent.detail()).verdict, 'trusted');
    clock.now = new Date(Date.parse(inDays(1)) + 1000);
    await eventually(agent, 'failed');
    assert.equal((await agent.findings()).length, 1);
    assert.equal((await policies(verifier)).policies[0]?.nextEnd, inDays(2));
    clock.now = new Date(Date.parse(inDays(2)) + 1000);
    for (;;) {
      if ((await agent.findings()).length === 2) break;
      await delay(50);
    }
    assert.equal((await policies(verifier)).policies[0]?.nextEnd, null);
  });

  test('says by which version how many hosts were judged', async (t) => {
    const { verifier } = await running(t, known);
    assert.deepEqual((await policies(verifier)).judged, { web: [{ version: 1, hosts: 1 }] });
    await bringIntoForce(verifier, 2, known);
    assert.deepEqual((await policies(verifier)).judged, { web: [{ version: 2, hosts: 1 }] });
  });
});

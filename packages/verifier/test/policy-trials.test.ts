import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test, type TestContext } from 'node:test';
import { utf8 } from '@assay/core/bytes';
import { encodeEnvelope } from '@assay/core/dsse';
import {
  buildReference,
  checkedReference,
  emptyReference,
  pooled,
  REFERENCE_PAYLOAD_TYPE,
  type Pool,
  type ReferenceDocument,
} from '@assay/core/reference';
import { SimulatedHost } from '@assay/testkit/evidence';
import {
  PolicyDiff,
  PolicyList,
  PolicyProposed,
  PolicyReply,
  PolicySimulation,
  PolicyText,
  route,
  ROUTES,
  TokenReply,
} from '@assay/wire';
import type { Verifier } from '@assay/verifier';
import { ReferenceCache } from '../src/hosts/references.ts';
import { simulatePolicy } from '../src/policies/simulate.ts';
import { Turns } from '../src/policies/turns.ts';
import { openStore } from '../src/store/open.ts';
import { content, enrol, type TestAgent } from './machine.ts';
import { call, newStore, post, refusal, service, TOKENS, type Answer } from './service.ts';

const digestOf = (text: string): string => `sha256:${createHash('sha256').update(utf8(text)).digest('hex')}`;
const SSL = '/usr/bin/openssl';
const CURL = '/usr/bin/curl';

function pool(name: string, version: string, path: string, text: string): Pool {
  const digests = pooled([{ digest: digestOf(text), path }]);
  return { id: `${name}_${version}`, kind: 'package', name, version, digests };
}

const CURL_8 = pool('curl', '8', CURL, 'curl 8');
const SSL_13 = pool('openssl', '3.0.13', SSL, 'ssl 13');
const SSL_14 = pool('openssl', '3.0.14', SSL, 'ssl 14');

function document(version: number, change: Partial<ReferenceDocument>): string {
  const base = emptyReference('web', version, '2026-11-22T00:00:00Z');
  return new TextDecoder().decode(checkedReference({ ...base, ...change }).canonical);
}

const push = async (verifier: Verifier, text: string) =>
  content(await post(verifier, ROUTES.policies, TOKENS.operator, { document: text }), PolicyReply);

const simulate = (verifier: Verifier, body: object, token = TOKENS.operator): Promise<Answer> =>
  post(verifier, route(ROUTES.policySimulation, 'web'), token, body);

/** Two hosts that run openssl 3.0.13 and curl 8, judged by version 1, which has both. */
async function fleet(t: TestContext): Promise<{ verifier: Verifier; agents: TestAgent[] }> {
  const verifier = await service(t);
  await push(verifier, document(1, { pools: [CURL_8, SSL_13] }));
  const agents = [];
  for (const name of ['web-01', 'web-02']) {
    const agent = await enrol(verifier, await SimulatedHost.boot({ name }));
    await agent.host.execute(SSL, 'ssl 13');
    await agent.host.execute(CURL, 'curl 8');
    await agent.attest();
    agents.push(agent);
  }
  const activation = { version: 1, hosts: 'all' };
  content(await post(verifier, route(ROUTES.policyActivation, 'web'), TOKENS.operator, activation), PolicyReply);
  return { verifier, agents };
}

const verdicts = (hosts: PolicySimulation['hosts']) => hosts.map(({ host, before, after }) => [host, before, after]);

describe('a candidate that is not stored', () => {
  test('is tried on what the fleet has measured, and says by cause what would become of it', async (t) => {
    const { verifier } = await fleet(t);
    const text = document(2, { pools: [CURL_8, SSL_14] });
    const simulation = content(await simulate(verifier, { document: text }), PolicySimulation);
    assert.deepEqual(verdicts(simulation.hosts), [
      ['web-01', 'trusted', 'failed'],
      ['web-02', 'trusted', 'failed'],
    ]);
    assert.deepEqual(simulation.causes, [
      {
        effect: 'refused',
        cause: 'openssl 3.0.13 is not among the good ones any more.',
        entries: 1,
        paths: [SSL],
        hosts: simulation.hosts.map(({ host }) => host),
        hostsInAll: 2,
      },
    ]);
    assert.deepEqual([simulation.affected, simulation.earlier], [2, []]);
    assert.deepEqual(simulation.unused, [{ pool: 'openssl_3.0.14', digests: 1, of: 1 }]);
    const { policies } = content(await call(verifier, ROUTES.policies), PolicyList);
    assert.equal(policies.length, 1, 'nothing is stored');
    const envelope = encodeEnvelope({
      payloadType: REFERENCE_PAYLOAD_TYPE,
      payload: utf8(text),
      signatures: [{ sig: new Uint8Array(64) }],
    });
    const again = content(await simulate(verifier, { document: envelope }), PolicySimulation);
    assert.deepEqual(again, simulation, 'who signed it is nothing to a trial');
  });

  test('is tried on earlier boots, too, where that is asked for', async (t) => {
    const { verifier, agents } = await fleet(t);
    const [agent] = agents;
    assert.ok(agent !== undefined);
    const rebooted = agent.on(await agent.host.reboot());
    await rebooted.host.execute(SSL, 'ssl 13');
    // The challenge of before the reboot asks for the list from where it stood.
    await rebooted.attest();
    await rebooted.attest();
    const text = document(2, { pools: [SSL_13] });
    const present = content(await simulate(verifier, { document: text }), PolicySimulation);
    const verdictOf = (of: PolicySimulation) => of.hosts.find(({ host }) => host === 'web-01')?.after;
    assert.equal(verdictOf(present), 'trusted', 'curl did not run in this boot');
    assert.deepEqual([present.earlier, present.affected], [[], 1]);
    const all = content(await simulate(verifier, { document: text, boots: 'all' }), PolicySimulation);
    assert.deepEqual(
      all.earlier.map(({ host, before, after, refused }) => [host, before, after, refused]),
      [['web-01', 'trusted', 'warning', 1]],
    );
    assert.notEqual(all.earlier[0]?.boot.until, null);
    assert.equal(all.affected, 2);
    await push(verifier, text);
    const stored = await call(verifier, `${route(ROUTES.policySimulation, 'web')}?version=2&boots=all`);
    assert.deepEqual(content(stored, PolicySimulation), all);
  });

  test('is refused where it is of another policy, malformed, or two at once', async (t) => {
    const { verifier } = await fleet(t);
    const eve = content(
      await post(verifier, ROUTES.tokens, TOKENS.operator, { name: 'eve', role: 'viewer' }),
      TokenReply,
    ).secret;
    const other = document(1, { name: 'db' });
    assert.equal(refusal(await simulate(verifier, { document: other })), '400 REQUEST-INVALID');
    assert.equal(refusal(await simulate(verifier, { document: other, version: 1 })), '400 REQUEST-INVALID');
    assert.equal(refusal(await simulate(verifier, { document: '{}' })), '422 REFERENCE-FORM');
    assert.equal(refusal(await simulate(verifier, { version: 9 })), '404 REQUEST-NOT-FOUND');
    assert.equal(refusal(await simulate(verifier, { deny: [] })), '400 REQUEST-INVALID');
    assert.equal(refusal(await simulate(verifier, { version: 1 }, eve)), '403 REQUEST-FORBIDDEN');
  });
});

describe('denying a digest', () => {
  const deny = [{ digest: digestOf('ssl 13'), reason: 'CVE-2026-1' }];

  test('is tried first, and says on which hosts it would be a finding', async (t) => {
    const { verifier } = await fleet(t);
    const simulation = content(await simulate(verifier, { deny }), PolicySimulation);
    assert.deepEqual(
      simulation.causes.map(({ effect, cause, hosts }) => [effect, cause, hosts.length]),
      [['refused', 'They are denied: CVE-2026-1.', 2]],
    );
    assert.equal(
      simulation.hosts.every(({ after }) => after === 'failed'),
      true,
    );
  });

  test('becomes a version that somebody else brings into force', async (t) => {
    const { verifier, agents } = await fleet(t);
    const propose = (body: object) => post(verifier, route(ROUTES.policyProposals, 'web'), TOKENS.operator, body);
    const proposed = content(await propose({ deny }), PolicyProposed);
    assert.deepEqual([proposed.policy.version, proposed.base, proposed.policy.signer], [2, 1, null]);
    assert.equal(proposed.simulation.affected, 2);
    assert.equal((await agents[0]?.detail())?.verdict, 'trusted', 'a proposal changes nothing');
    const again = content(await propose({ deny: [{ ...deny[0], reason: 'CVE-2026-2' }] }), PolicyProposed);
    const path = `${route(ROUTES.policy, 'web')}?version=${again.policy.version}`;
    const text = content(await call(verifier, path), PolicyText).document;
    assert.match(text, /"denied":\[\{"digest":"sha256:[0-9a-f]{64}","reason":"CVE-2026-2"\}\]/);
    const activation = { version: 2 };
    content(await post(verifier, route(ROUTES.policyActivation, 'web'), TOKENS.operator, activation), PolicyReply);
    assert.equal((await agents[0]?.detail())?.verdict, 'failed');
    assert.equal((await agents[0]?.findings())?.[0]?.code, 'IMA-DENIED-DIGEST');
    assert.equal(refusal(await propose({ deny: [{ digest: 'sha256:00', reason: 'short' }] })), '422 REFERENCE-FORM');
    assert.equal(refusal(await propose({})), '400 REQUEST-INVALID');
    const nowhere = await post(verifier, route(ROUTES.policyProposals, 'none'), TOKENS.operator, { deny });
    assert.equal(refusal(nowhere), '404 REQUEST-NOT-FOUND');
  });
});

describe('the difference of two versions', () => {
  test('is by package, and by rule', async (t) => {
    const { verifier } = await fleet(t);
    const denied = [{ digest: digestOf('x'), reason: 'bad' }];
    await push(verifier, document(2, { pools: [CURL_8, SSL_14], denied }));
    const path = route(ROUTES.policyDiff, 'web');
    const diff = content(await call(verifier, `${path}?from=1&to=2`), PolicyDiff);
    assert.deepEqual([diff.name, diff.from, diff.to], ['web', 1, 2]);
    const counts = { updated: 1, added: 0, removed: 0, digestsAdded: 1, digestsRemoved: 1 };
    assert.deepEqual(diff.pools, [
      { kind: 'package', name: 'openssl', before: ['3.0.13'], after: ['3.0.14'], ...counts },
    ]);
    assert.deepEqual(diff.rules, [{ member: 'denied', change: 'added', subject: digestOf('x') }]);
    assert.deepEqual(content(await call(verifier, `${path}?to=2`), PolicyDiff), diff, 'from what is in force');
    const back = content(await call(verifier, `${path}?from=2&to=1`), PolicyDiff);
    assert.deepEqual([back.pools[0]?.before, back.rules[0]?.change], [['3.0.14'], 'removed']);
    assert.equal(refusal(await call(verifier, `${path}?from=1&to=3`)), '404 REQUEST-NOT-FOUND');
    assert.equal(refusal(await call(verifier, `${route(ROUTES.policyDiff, 'none')}?to=1`)), '404 REQUEST-NOT-FOUND');
    assert.equal(refusal(await call(verifier, `${path}?from=1`)), '400 REQUEST-INVALID');
  });
});

describe('a simulation', () => {
  test('is made when those before it are over, whether or not they fail', async () => {
    const turns = new Turns();
    const first = Promise.withResolvers<string>();
    const done: string[] = [];
    const work = (name: string) => () => {
      done.push(name);
      return Promise.resolve(name);
    };
    const failing = turns.take(() => first.promise);
    const gone = turns.take(work('gone'), AbortSignal.abort(new Error('nobody waits')));
    const second = turns.take(work('second'));
    assert.deepEqual(done, []);
    first.reject(new Error('it failed'));
    await assert.rejects(failing, /it failed/);
    await assert.rejects(gone, /nobody waits/);
    assert.equal(await second, 'second');
    assert.deepEqual(done, ['second']);
  });

  test('ends after the list at which nobody waits for it any more', async (t) => {
    const store = await newStore(t);
    const verifier = await service(t, { store });
    for (const name of ['web-01', 'web-02']) await (await enrol(verifier, await SimulatedHost.boot({ name }))).attest();
    const database = await openStore(store);
    t.after(() => database.destroy());
    const gone = new AbortController();
    let looks = 0;
    const values = buildReference([]);
    const now = (): Date => {
      looks += 1;
      // It asks for the time when it begins.
      gone.abort(new Error('nobody waits'));
      return new Date();
    };
    const context = { database, references: new ReferenceCache(), simulations: new Turns(), now };
    const simulating = simulatePolicy(context, { name: 'web', values, boots: 'present', signal: gone.signal });
    await assert.rejects(simulating, /nobody waits/);
    assert.equal(looks, 1);
    const again = await simulatePolicy(context, { name: 'web', values, boots: 'present' });
    assert.equal(again.hosts.length, 2);
  });
});

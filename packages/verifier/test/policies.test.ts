import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { describe, test, type TestContext } from 'node:test';
import { utf8 } from '@assay/core/bytes';
import { encodeEnvelope, preAuthEncoding } from '@assay/core/dsse';
import {
  checkedReference,
  emptyReference,
  pooled,
  REFERENCE_PAYLOAD_TYPE,
  type ReferenceDocument,
} from '@assay/core/reference';
import { SimulatedHost } from '@assay/testkit/evidence';
import {
  FindingApproval,
  PolicyList,
  PolicyReply,
  PolicySimulation,
  PolicyText,
  route,
  ROUTES,
  TokenReply,
  type Role,
} from '@assay/wire';
import { startVerifier, type Verifier } from '@assay/verifier';
import { content, enrol, type TestAgent } from './machine.ts';
import { call, newStore, post, problemIn, refusal, service, TOKENS } from './service.ts';

const TRUE = '\x7fELF true';
const LATER = '\x7fELF true, updated';
const digestOf = (text: string): string => `sha256:${createHash('sha256').update(utf8(text)).digest('hex')}`;
const PATH = '/usr/bin/true';
const CREATED = '2026-11-22T00:00:00Z';

/** Reference values in which these contents are good. */
function version(number: number, contents: readonly string[], change: Partial<ReferenceDocument> = {}): string {
  const digests = pooled(contents.map((text) => ({ digest: digestOf(text), path: PATH })));
  const pool = { id: 'coreutils_9', kind: 'package', name: 'coreutils', version: '9', digests } as const;
  const document = { ...emptyReference('web', number, CREATED), pools: [pool], ...change };
  return new TextDecoder().decode(checkedReference(document).canonical);
}

const push = (verifier: Verifier, document: string, token = TOKENS.operator) =>
  post(verifier, ROUTES.policies, token, { document });
const activation = (verifier: Verifier, body: object, token = TOKENS.operator) =>
  post(verifier, route(ROUTES.policyActivation, 'web'), token, body);

async function tokenOf(verifier: Verifier, name: string, role: Role): Promise<string> {
  return content(await post(verifier, ROUTES.tokens, TOKENS.operator, { name, role }), TokenReply).secret;
}

async function running(
  t: TestContext,
  options = {},
): Promise<{ verifier: Verifier; agent: TestAgent; host: SimulatedHost }> {
  const verifier = await service(t, options);
  const host = await SimulatedHost.boot({ name: 'web-03' });
  const agent = await enrol(verifier, host);
  await host.execute(PATH, TRUE);
  await agent.attest();
  return { verifier, agent, host };
}

describe('a policy', () => {
  test('comes into force by an act of its own, and judges what was measured before', async (t) => {
    const { verifier, agent } = await running(t);
    const pushed = content(await push(verifier, version(1, [TRUE])), PolicyReply).policy;
    assert.deepEqual(
      [pushed.name, pushed.version, pushed.digests, pushed.signer, pushed.inForceSince],
      ['web', 1, 1, null, null],
    );
    assert.equal((await agent.detail()).verdict, 'unverified');
    const active = content(await activation(verifier, { version: 1, hosts: ['web-03'] }), PolicyReply).policy;
    assert.notEqual(active.inForceSince, null);
    const { verdict, reference } = await agent.detail();
    assert.deepEqual([verdict, reference?.version, reference?.digests], ['trusted', 1, 1]);
    assert.equal((await agent.attest()).verdict, 'trusted');
    const list = content(await call(verifier, ROUTES.policies), PolicyList);
    assert.deepEqual([list.policies.map(({ version: number }) => number), list.hosts], [[1], { web: 1 }]);
    const text = content(await call(verifier, `${route(ROUTES.policy, 'web')}?version=1`), PolicyText);
    assert.equal(text.document, version(1, [TRUE]));
  });

  test('of a package is named where another digest ran, and a new version ends the finding', async (t) => {
    const { verifier, agent, host } = await running(t);
    await push(verifier, version(1, [TRUE]));
    await activation(verifier, { version: 1, hosts: 'all' });
    await host.execute(PATH, LATER);
    assert.equal((await agent.attest()).verdict, 'failed');
    const [finding] = await agent.findings();
    assert.equal(finding?.code, 'IMA-DIGEST-CHANGED');
    assert.match(finding?.explanation[0]?.cause ?? '', /have coreutils 9 for it/);
    assert.deepEqual(finding?.next, [
      `ls -l ${PATH}`,
      `dpkg -S ${PATH}`,
      `assay digest who ${digestOf(LATER)}`,
      `assay findings approve ${finding?.id}`,
    ]);
    await push(verifier, version(2, [TRUE, LATER]));
    const path = `${route(ROUTES.policySimulation, 'web')}?version=2`;
    const simulation = content(await call(verifier, path), PolicySimulation);
    assert.deepEqual(simulation.hosts, [
      { host: 'web-03', before: 'failed', after: 'trusted', refused: 0, accepted: 1 },
    ]);
    assert.deepEqual(
      simulation.changes.map(({ before, after }) => [before, after]),
      [['changed', 'known']],
    );
    await activation(verifier, { version: 2 });
    assert.equal((await agent.detail()).verdict, 'trusted');
    assert.deepEqual(await agent.findings(), []);
  });

  test('that many hosts go beyond is explained by what was rolled out to them', async (t) => {
    const verifier = await service(t);
    await push(verifier, version(1, [TRUE]));
    const agents = [];
    for (const name of ['web-01', 'web-02', 'web-03']) {
      const host = await SimulatedHost.boot({ name });
      const agent = await enrol(verifier, host);
      agents.push(agent);
      await activation(verifier, { version: 1, hosts: [name] });
      await host.execute(PATH, LATER);
      await agent.attest();
      const [finding] = await agent.findings();
      assert.equal(finding?.blastRadius.hosts, agents.length);
    }
    const [finding] = (await agents[0]?.findings()) ?? [];
    assert.deepEqual(finding?.explanation.at(-1), {
      cause: 'The same digest is open on 3 of 3 hosts: something was rolled out to them.',
      confidence: 'medium',
    });
  });

  test('is proposed by one and activated by another', async (t) => {
    const { verifier, agent, host } = await running(t);
    await push(verifier, version(1, [TRUE]));
    await activation(verifier, { version: 1, hosts: 'all' });
    await host.execute(PATH, LATER);
    await agent.attest();
    const [finding] = await agent.findings();
    const alice = await tokenOf(verifier, 'alice', 'operator');
    const [boss, mallory] = [
      await tokenOf(verifier, 'boss', 'approver'),
      await tokenOf(verifier, 'mallory', 'approver'),
    ];
    const approve = (token: string, id = finding?.id ?? '') =>
      post(verifier, route(ROUTES.findingApproval, id), token, {});
    const proposal = content(await approve(alice), FindingApproval);
    assert.deepEqual([proposal.policy.version, proposal.policy.pushedBy, proposal.policy.signer], [2, 'alice', null]);
    assert.deepEqual(
      proposal.simulation.hosts.map(({ before, after }) => [before, after]),
      [['failed', 'trusted']],
    );
    assert.equal((await agent.detail()).verdict, 'failed', 'a proposal changes nothing');
    assert.equal(refusal(await activation(verifier, { version: 2 }, alice)), '403 REQUEST-FORBIDDEN');
    const own = content(await approve(mallory), FindingApproval).policy.version;
    assert.equal(refusal(await activation(verifier, { version: own }, mallory)), '403 REQUEST-FORBIDDEN');
    content(await activation(verifier, { version: 2 }, boss), PolicyReply);
    assert.equal((await agent.detail()).verdict, 'trusted');
    assert.equal(refusal(await approve(alice, 'F-999')), '404 REQUEST-NOT-FOUND');
  });

  test('needs a signature where the verifier was given keys, and brings it with a second push', async (t) => {
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    const key = { name: 'release.pub', spki: publicKey.export({ format: 'der', type: 'spki' }) };
    const { verifier, agent } = await running(t, { policyKeys: [key] });
    const payload = utf8(version(1, [TRUE]));
    const envelope = (signer = privateKey) =>
      encodeEnvelope({
        payloadType: REFERENCE_PAYLOAD_TYPE,
        payload,
        signatures: [{ sig: sign(null, preAuthEncoding(REFERENCE_PAYLOAD_TYPE, payload), signer) }],
      });
    await push(verifier, version(1, [TRUE]));
    assert.equal(refusal(await activation(verifier, { version: 1, hosts: 'all' })), '403 POLICY-UNSIGNED');
    const stranger = generateKeyPairSync('ed25519').privateKey;
    assert.equal(refusal(await push(verifier, envelope(stranger))), '403 POLICY-SIGNATURE');
    assert.equal(content(await push(verifier, envelope()), PolicyReply).policy.signer, 'release.pub');
    const bob = await tokenOf(verifier, 'bob', 'approver');
    content(await activation(verifier, { version: 1, hosts: 'all' }, bob), PolicyReply);
    const { verdict, ladder } = await agent.detail();
    assert.equal(verdict, 'trusted');
    const signer = ladder.at(-1);
    const facts = new Map(signer?.facts.map(({ label, value }) => [label, value]));
    assert.deepEqual([signer?.rung, signer?.state, facts.get('Signed by')], ['signer', 'ok', 'release.pub']);
    assert.equal(facts.get('Key'), `sha256:${createHash('sha256').update(key.spki).digest('hex')}`);
    assert.match(facts.get('Activated') ?? '', / by bob$/);
  });

  test('needs as many of the trusted keys as the verifier was told, each counted once, however they come', async (t) => {
    const pairs = ['ann.pub', 'bob.pub', 'cem.pub'].map((name) => {
      const { publicKey, privateKey } = generateKeyPairSync('ed25519');
      return { name, privateKey, spki: publicKey.export({ format: 'der', type: 'spki' }) };
    });
    const [ann, bob, cem] = pairs;
    assert.ok(ann !== undefined && bob !== undefined && cem !== undefined);
    const policyKeys = [ann, bob, { ...ann, name: 'ann-again.pub' }];
    const store = await newStore(t);
    const { verifier } = await running(t, { store, policyKeys, policySignatures: 2 });
    const envelope = (number: number, ...signers: (typeof ann)[]) => {
      const payload = utf8(version(number, [TRUE]));
      const signatures = signers.map(({ privateKey }) => ({
        sig: sign(null, preAuthEncoding(REFERENCE_PAYLOAD_TYPE, payload), privateKey),
      }));
      return encodeEnvelope({ payloadType: REFERENCE_PAYLOAD_TYPE, payload, signatures });
    };
    const signersOf = async (text: string, of = verifier) =>
      content(await push(of, text), PolicyReply).policy.signers.map(({ name }) => name);
    assert.deepEqual(await signersOf(envelope(1, ann, ann, cem)), ['ann.pub'], 'twice is once, and a stranger nobody');
    const refused = problemIn(await activation(verifier, { version: 1, hosts: 'all' }));
    assert.deepEqual([refused.status, refused.code], [403, 'POLICY-UNSIGNED']);
    assert.match(refused.detail, /wants 2 of its keys .+ signed it have 1: ann\.pub\.$/);
    assert.deepEqual(await signersOf(envelope(1, bob)), ['ann.pub', 'bob.pub'], 'a second push brings the second');
    assert.deepEqual(await signersOf(version(1, [TRUE])), ['ann.pub', 'bob.pub'], 'and none takes one away');
    content(await activation(verifier, { version: 1, hosts: 'all' }), PolicyReply);
    assert.deepEqual(await signersOf(envelope(2, ann, bob)), ['ann.pub', 'bob.pub'], 'or both come in one envelope');
    await verifier.close();
    const other = await service(t, { store, policyKeys: [bob, cem], policySignatures: 2 });
    assert.equal(refusal(await activation(other, { version: 2 })), '403 POLICY-UNSIGNED', 'ann is trusted no more');
    assert.deepEqual(await signersOf(envelope(2, cem), other), ['ann.pub', 'bob.pub', 'cem.pub']);
    content(await activation(other, { version: 2 }), PolicyReply);
  });

  test('is refused with a lower version, another content of a version, or when its time is over', async (t) => {
    const { verifier, agent } = await running(t);
    for (const number of [1, 2]) await push(verifier, version(number, [TRUE]));
    await activation(verifier, { version: 2, hosts: 'all' });
    assert.equal(refusal(await activation(verifier, { version: 1 })), '409 POLICY-ROLLBACK');
    assert.equal(refusal(await push(verifier, version(2, [LATER]))), '409 POLICY-ROLLBACK');
    await push(verifier, version(3, [TRUE], { validUntil: '2026-11-01T00:00:00Z' }));
    assert.equal(refusal(await activation(verifier, { version: 3 })), '422 POLICY-EXPIRED');
    assert.equal(refusal(await activation(verifier, { version: 9 })), '404 REQUEST-NOT-FOUND');
    assert.equal(refusal(await push(verifier, '{"schema":"assay.reference.v1"}')), '422 REFERENCE-FORM');
    assert.equal((await agent.detail()).reference?.version, 2);
    const captured = await post(verifier, route(ROUTES.captures, agent.hostId), TOKENS.operator, {});
    assert.equal(refusal(captured), '409 POLICY-ASSIGNED');
  });

  test('is in force after a restart, and what a crash left unjudged is judged then', async (t) => {
    const store = await newStore(t);
    const first = await startVerifier({ store, port: 0, tokens: TOKENS });
    const host = await SimulatedHost.boot({ name: 'web-03' });
    const agent = await enrol(first, host);
    await host.execute(PATH, TRUE);
    await agent.attest();
    await push(first, version(1, [LATER]));
    await activation(first, { version: 1, hosts: 'all' });
    assert.equal((await agent.detail()).verdict, 'failed');
    await push(first, version(2, [TRUE]));
    await first.close();
    const second = await service(t, { store });
    agent.verifier = second;
    assert.equal((await agent.detail()).verdict, 'failed');
    await activation(second, { version: 2 });
    assert.equal((await agent.detail()).verdict, 'trusted');
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBase64, toBase64 } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import { DIGITAL_SIGNATURE, gceInstance, mintAkCertificate, mintAuthority } from '@assay/testkit/certificates';
import { SimulatedHost } from '@assay/testkit/evidence';
import { checkedReference, emptyReference } from '@assay/core/reference';
import {
  AUDIT_START,
  AuditChain,
  AuditPage,
  EnrolmentList,
  EnrolReply,
  HostList,
  PolicyList,
  route,
  ROUTES,
  TokenReply,
} from '@assay/wire';
import type { Verifier } from '@assay/verifier';
import { activate, beginEnrolment, captured, content, enrol } from './machine.ts';
import { call, post, service, TOKENS, type Answer } from './service.ts';

// What is asked at once: one of those that exclude each other is done, and none is an error of the verifier's own.

async function atOnce(...asked: readonly (() => Promise<Answer>)[]): Promise<readonly number[]> {
  const answers = await Promise.all(asked.map((ask) => ask()));
  for (const { status, text } of answers) assert.ok(status < 500, text);
  return answers.map(({ status }) => status).toSorted((a, b) => a - b);
}

const times = <T>(count: number, what: T): readonly T[] => Array.from({ length: count }, () => what);

/** Writes as the operator of `npm start`, who may do everything. */
const writing = (verifier: Verifier, path: string, body: object) => (): Promise<Answer> =>
  post(verifier, path, TOKENS.operator, body);

async function doneIn(verifier: Verifier, action: string): Promise<number> {
  const headers = { authorization: `Bearer ${TOKENS.operator}` };
  const { entries } = content(await call(verifier, `${ROUTES.audit}?limit=1000`, { headers }), AuditPage);
  const chain = new AuditChain(nodeHasher, AUDIT_START);
  assert.deepEqual(
    entries.flatMap((entry) => chain.follow(entry) ?? []),
    [],
  );
  return entries.filter((entry) => entry.action === action).length;
}

interface Begun {
  readonly enrolment: string;
  readonly secret: string;
}

async function begin(verifier: Verifier, host: SimulatedHost): Promise<Begun> {
  const reply = await beginEnrolment(verifier, host);
  return { enrolment: reply.enrolment, secret: await host.openCredential(reply) };
}

/** Pushes versions of the policy `web` in which nothing is good. */
async function pushVersions(verifier: Verifier, count: number): Promise<void> {
  for (let version = 1; version <= count; version++) {
    const { canonical } = checkedReference(emptyReference('web', version, '2026-11-22T00:00:00Z'));
    const pushed = await post(verifier, ROUTES.policies, TOKENS.operator, {
      document: Buffer.from(canonical).toString(),
    });
    assert.equal(pushed.status, 201, pushed.text);
  }
}

const putInForce = (verifier: Verifier, version: number, hosts: readonly string[]) =>
  writing(verifier, route(ROUTES.policyActivation, 'web'), { version, hosts });

const succeeded = (statuses: readonly number[]): number => statuses.filter((status) => status < 300).length;

test('of one machine that enrols many times at once, one host comes', async (t) => {
  const verifier = await service(t);
  const host = await SimulatedHost.boot({ name: 'web-03' });
  const begun: Begun[] = [];
  for (let i = 0; i < 5; i++) begun.push(await begin(verifier, host));
  const statuses = await atOnce(...begun.map((each) => () => activate(verifier, each.enrolment, each.secret)));
  assert.ok(succeeded(statuses) >= 1, String(statuses));
  assert.equal(content(await call(verifier, ROUTES.hosts), HostList).hosts.length, 1);
  assert.equal(await doneIn(verifier, 'host.enrol'), succeeded(statuses));
});

test('of two machines that enrol by one name at once, one has it and the other waits', async (t) => {
  const verifier = await service(t);
  const machines = [await SimulatedHost.boot({ name: 'web-03' }), await SimulatedHost.boot({ name: 'web-03' })];
  const begun = await Promise.all(machines.map((host) => begin(verifier, host)));
  const statuses = await atOnce(...begun.map((each) => () => activate(verifier, each.enrolment, each.secret)));
  assert.deepEqual(statuses, [201, 409]);
  assert.equal(content(await call(verifier, ROUTES.enrolments), EnrolmentList).enrolments.length, 1);
});

test('of two machines that enrol at once as the same instance of a cloud, one is it and the other waits', async (t) => {
  const root = mintAuthority('cloud root');
  const verifier = await service(t, { akRoots: [root.certificate] });
  const answers = ['web-03', 'web-04'].map(async (name) => {
    const host = await SimulatedHost.boot({ name });
    const request = await host.enrolRequest();
    const extensions = [DIGITAL_SIGNATURE, gceInstance('web')];
    const akCertificates = [toBase64(mintAkCertificate(fromBase64(request.akPublic), root, { extensions }))];
    const begun = await post(verifier, ROUTES.enrol, TOKENS.join, { ...request, akCertificates });
    const reply = content(begun, EnrolReply);
    const secret = await host.openCredential(reply);
    const proof = await host.possession(reply.enrolment, secret);
    return () => activate(verifier, reply.enrolment, secret, proof);
  });
  assert.deepEqual(await atOnce(...(await Promise.all(answers))), [201, 409]);
  assert.equal(content(await call(verifier, ROUTES.enrolments), EnrolmentList).enrolments.length, 1);
});

test('an enrolment that is approved and refused at once has one state, that of who came last', async (t) => {
  const verifier = await service(t, { approveEnrolments: 'all' });
  const host = await SimulatedHost.boot({ name: 'web-03' });
  const { enrolment: id, secret } = await begin(verifier, host);
  assert.equal((await activate(verifier, id, secret)).status, 409);
  const approve = writing(verifier, route(ROUTES.enrolmentApproval, 'E-1'), {});
  const refuse = writing(verifier, route(ROUTES.enrolmentRefusal, 'E-1'), {});
  const statuses = await atOnce(approve, refuse, approve, refuse, approve);
  const decided = (await doneIn(verifier, 'enrolment.approve')) + (await doneIn(verifier, 'enrolment.refuse'));
  assert.equal(decided, succeeded(statuses));
  const [enrolment] = content(await call(verifier, ROUTES.enrolments), EnrolmentList).enrolments;
  assert.match(String(enrolment?.state), /^(approved|refused)$/);
});

test('captures and approvals at once make versions of their own', async (t) => {
  const verifier = await service(t);
  const agent = await captured(verifier, 'web-03');
  await agent.host.execute('/tmp/x', 'x');
  await agent.attest();
  const [finding] = await agent.findings();
  const capture = writing(verifier, route(ROUTES.captures, 'web-03'), {});
  const captures = await atOnce(capture, capture, capture);
  assert.equal((await agent.detail()).reference?.version, 1 + succeeded(captures));
  await pushVersions(verifier, 1);
  assert.deepEqual(await atOnce(putInForce(verifier, 1, ['web-03'])), [200]);
  const approve = writing(verifier, route(ROUTES.findingApproval, finding?.id ?? ''), {});
  const statuses = await atOnce(approve, approve, approve, approve);
  assert.ok(succeeded(statuses) >= 1, String(statuses));
  const { policies } = content(await call(verifier, ROUTES.policies), PolicyList);
  const versions = policies.map(({ version }) => version);
  assert.equal(new Set(versions).size, versions.length);
  assert.equal(versions.length, 1 + succeeded(statuses));
});

test('versions that are put in force at once leave one in force; and a host that goes meanwhile is gone', async (t) => {
  const verifier = await service(t);
  for (const name of ['web-03', 'web-04']) await captured(verifier, name);
  await pushVersions(verifier, 3);
  const inForce = (version: number) => putInForce(verifier, version, ['web-03', 'web-04']);
  const remove = writing(verifier, route(ROUTES.hostRemoval, 'web-04'), {});
  await atOnce(inForce(2), inForce(1), remove, inForce(3), remove, inForce(2));
  const { hosts } = content(await call(verifier, ROUTES.hosts), HostList);
  assert.deepEqual(
    hosts.map(({ name }) => name),
    ['web-03'],
  );
  const { policies } = content(await call(verifier, ROUTES.policies), PolicyList);
  assert.equal(policies.filter(({ inForceSince }) => inForceSince !== null).length, 1);
  assert.equal(await doneIn(verifier, 'host.remove'), 1);
});

test('a host whose agent sends evidence while it is removed is gone, and its agent is told so', async (t) => {
  const verifier = await service(t);
  const agent = await captured(verifier, 'web-03');
  await agent.host.execute('/tmp/x', 'x');
  const message = await agent.host.evidence(agent.challenge);
  const remove = writing(verifier, route(ROUTES.hostRemoval, 'web-03'), {});
  await atOnce(
    () => agent.post(message),
    remove,
    () => post(verifier, ROUTES.challenge, agent.token, {}),
    writing(verifier, route(ROUTES.captures, 'web-03'), {}),
    writing(verifier, route(ROUTES.labels, 'web-03'), { labels: { role: 'web' } }),
  );
  assert.deepEqual(content(await call(verifier, ROUTES.hosts), HostList).hosts, []);
  assert.equal((await agent.post(message)).status, 401);
});

test('labels that are set at once are all set', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  const names = ['role', 'site', 'rack', 'owner', 'stage'];
  await atOnce(...names.map((name) => writing(verifier, route(ROUTES.labels, 'web-03'), { labels: { [name]: 'x' } })));
  assert.deepEqual(Object.keys((await agent.detail()).labels).toSorted(), names.toSorted());
});

test('a token that is revoked, and a key that is registered, many times at once is so once', async (t) => {
  const verifier = await service(t);
  const made = await post(verifier, ROUTES.tokens, TOKENS.operator, { name: 'a', role: 'viewer' });
  const { token } = content(made, TokenReply);
  await atOnce(...times(4, writing(verifier, route(ROUTES.tokenRevocation, token.id), {})));
  assert.equal(await doneIn(verifier, 'token.revoke'), 1);
  const keys = [{ digest: `sha256:${'0'.repeat(64)}` }];
  await atOnce(...times(4, writing(verifier, ROUTES.registeredKeys, { keys })));
  const removal = writing(verifier, route(ROUTES.registeredKeyRemoval, `sha256:${'0'.repeat(64)}`), {});
  assert.deepEqual(await atOnce(removal, removal, removal), [200, 404, 404]);
});

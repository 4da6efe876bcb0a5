import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { SimulatedHost } from '@assay/testkit/evidence';
import type { Verifier } from '@assay/verifier';
import {
  ActivateReply,
  AuditPage,
  EnrolReply,
  type EnrolRequest,
  HostTimeline,
  KeyRenewal,
  route,
  ROUTES,
} from '@assay/wire';
import { captured, content, enrol, TestAgent } from './machine.ts';
import { call, post, refusal, service, TOKENS, type Answer } from './service.ts';

const DAY_SECONDS = 86_400;
const newToken = (): string => randomBytes(32).toString('base64url');

/** The agent of a host renews its key as far as to the answer to its proof. */
async function prove(
  verifier: Pick<Verifier, 'url'>,
  agent: TestAgent,
  next: SimulatedHost,
  token = newToken(),
): Promise<Answer> {
  const begun = content(await post(verifier, ROUTES.renewKey, agent.token, await next.enrolRequest()), EnrolReply);
  const secret = await next.openCredential(begun);
  return post(verifier, route(ROUTES.activate, begun.enrolment), '', { secret, token });
}

async function renew(verifier: Pick<Verifier, 'url'>, agent: TestAgent): Promise<TestAgent> {
  const next = agent.host.withAnotherKey();
  return new TestAgent(verifier, next, content(await prove(verifier, agent, next), ActivateReply));
}

async function ask(verifier: Verifier, name: string): Promise<KeyRenewal> {
  return content(await post(verifier, route(ROUTES.keyRenewal, name), TOKENS.operator, {}), KeyRenewal);
}

async function timelineOf(verifier: Verifier, name: string): Promise<HostTimeline> {
  return content(await call(verifier, route(ROUTES.timeline, name)), HostTimeline);
}

async function acts(verifier: Verifier, action: string): Promise<string[]> {
  const headers = { authorization: `Bearer ${TOKENS.operator}` };
  const { entries } = content(await call(verifier, ROUTES.audit, { headers }), AuditPage);
  return entries.filter((entry) => entry.action === action).map(({ actor, detail }) => `${actor}: ${detail}`);
}

test('a host that renews its key goes on: the list, the verdict, the boots and the policy stay as they were', async (t) => {
  const verifier = await service(t);
  const agent = await captured(verifier, 'web-03');
  const before = await agent.attest();
  assert.equal(before.verdict, 'trusted');
  const was = await agent.detail();
  const renewed = await renew(verifier, agent);
  assert.equal(renewed.hostId, agent.hostId);
  assert.deepEqual(renewed.challenge.list, before.challenge.list, 'nothing of the list is wanted again');
  await renewed.host.execute('/usr/bin/true', 'true');
  assert.equal((await renewed.attest()).verdict, 'trusted');
  const now = await renewed.detail();
  assert.notEqual(now.attestationKey.name, was.attestationKey.name);
  assert.deepEqual([now.boot, now.enrolledAt, now.verdictSince], [was.boot, was.enrolledAt, was.verdictSince]);
  const { boots, keys, verdicts } = await timelineOf(verifier, 'web-03');
  assert.deepEqual([boots.length, verdicts[0]?.verdict], [1, 'trusted']);
  assert.deepEqual(
    keys.map(({ name, reason, by }) => ({ name, reason, by })),
    [{ name: now.attestationKey.name, reason: 'host', by: null }],
  );
  const [act] = await acts(verifier, 'host.renew-key');
  assert.ok(act?.startsWith('web-03: ') && act.includes(was.attestationKey.name), act);
});

test('from the moment at which the new key is taken, the old token is nobody’s and the old key signs for nobody', async (t) => {
  const verifier = await service(t);
  const agent = await captured(verifier, 'web-03');
  const inTheAir = await agent.host.evidence(agent.challenge);
  const renewed = await renew(verifier, agent);
  for (const path of [ROUTES.evidence, ROUTES.challenge, ROUTES.renewKey]) {
    assert.equal(refusal(await post(verifier, path, agent.token, inTheAir)), '401 REQUEST-UNAUTHENTICATED', path);
  }
  assert.equal(refusal(await renewed.post(inTheAir)), '409 QUOTE-NONCE', 'its question went with the key');
  const byOldKey = await renewed.send(await agent.host.evidence(renewed.challenge));
  assert.deepEqual([byOldKey.verified, byOldKey.errors.map(({ code }) => code)], [false, ['QUOTE-SIGNATURE']]);
  assert.equal((await renewed.attest()).verdict, 'trusted', 'and heals with the new one');
});

test('a host that is asked for another key is told with its next evidence, until it has one', async (t) => {
  const verifier = await service(t);
  const agent = await captured(verifier, 'web-03');
  assert.equal((await agent.attest()).renewKey, undefined);
  const { asked } = await ask(verifier, 'web-03');
  assert.deepEqual((await agent.detail()).attestationKey.renewal, asked);
  const ak = (await agent.detail()).ladder.find(({ rung }) => rung === 'ak');
  assert.ok(ak?.facts.some(({ label, value }) => label === 'Another one asked for' && value.includes(asked.by)));
  assert.deepEqual([(await agent.attest()).renewKey, (await agent.attest()).renewKey], [true, true]);
  const same = content(await prove(verifier, agent, agent.host), ActivateReply);
  const unchanged = new TestAgent(verifier, agent.host, same);
  assert.equal((await unchanged.attest()).renewKey, true, 'the same key again is no other one');
  const renewed = await renew(verifier, unchanged);
  assert.equal((await renewed.attest()).renewKey, undefined);
  const { keys } = await timelineOf(verifier, 'web-03');
  assert.deepEqual(
    keys.map(({ reason, by }) => [reason, by]),
    [['asked', asked.by]],
  );
  assert.equal((await acts(verifier, 'host.ask-key')).length, 1);
});

test('a key that is as old as the operator lets it get is asked for, and no other', async (t) => {
  let now = Date.parse('2026-01-01T00:00:00Z');
  const verifier = await service(t, { renewKeysAfterSeconds: 90 * DAY_SECONDS, now: () => new Date(now) });
  const agent = await captured(verifier, 'web-03');
  const later = async (days: number, of: TestAgent): Promise<boolean | undefined> => {
    now += days * DAY_SECONDS * 1000;
    await of.askChallenge();
    return (await of.attest()).renewKey;
  };
  assert.equal(await later(80, agent), undefined);
  assert.equal(await later(11, agent), true);
  const renewed = await renew(verifier, agent);
  assert.equal(await later(80, renewed), undefined);
  assert.deepEqual(
    (await timelineOf(verifier, 'web-03')).keys.map(({ reason, by }) => [reason, by]),
    [['age', null]],
  );
});

test('whoever lacks the TPM or the token of a host renews nothing', async (t) => {
  const verifier = await service(t);
  const agent = await captured(verifier, 'web-03');
  const thief = await enrol(verifier, await SimulatedHost.boot({ name: 'web-04' }));
  const was = await agent.detail();
  const ofThief = await thief.host.enrolRequest();
  const claimed: EnrolRequest = { ...ofThief, ekPublic: (await agent.host.enrolRequest()).ekPublic, name: 'web-03' };
  for (const token of [undefined, 'x'.repeat(43), TOKENS.join, TOKENS.operator]) {
    const headers = { 'content-type': 'application/json', ...(token && { authorization: `Bearer ${token}` }) };
    const answer = await call(verifier, ROUTES.renewKey, { method: 'POST', headers, body: JSON.stringify(claimed) });
    assert.equal(refusal(answer), '401 REQUEST-UNAUTHENTICATED', 'the TPM alone, or the public half of its key');
  }
  const withToken = await post(verifier, ROUTES.renewKey, agent.token, ofThief);
  assert.equal(refusal(withToken), '403 REQUEST-FORBIDDEN', 'the token alone, with another TPM');
  const begun = content(await post(verifier, ROUTES.renewKey, agent.token, claimed), EnrolReply);
  await assert.rejects(thief.host.openCredential(begun), /TPM/, 'the credential is for the TPM of the host');
  const guess = { secret: '00'.repeat(32) };
  const guessed = await post(verifier, route(ROUTES.activate, begun.enrolment), '', guess);
  assert.equal(refusal(guessed), '403 ENROLMENT-SECRET');
  assert.deepEqual((await agent.detail()).attestationKey, was.attestationKey);
  assert.equal((await agent.attest()).verdict, 'trusted');
});

test('a host that is removed while it renews its key is no host', async (t) => {
  const verifier = await service(t);
  const agent = await captured(verifier, 'web-03');
  const next = agent.host.withAnotherKey();
  const begun = content(await post(verifier, ROUTES.renewKey, agent.token, await next.enrolRequest()), EnrolReply);
  const secret = await next.openCredential(begun);
  assert.equal((await post(verifier, route(ROUTES.hostRemoval, 'web-03'), TOKENS.operator, {})).status, 200);
  const answer = await post(verifier, route(ROUTES.activate, begun.enrolment), '', { secret });
  assert.equal(refusal(answer), '404 ENROLMENT-UNKNOWN');
  assert.equal(refusal(await call(verifier, route(ROUTES.host, 'web-03'))), '404 REQUEST-NOT-FOUND');
  assert.equal(
    refusal(await post(verifier, route(ROUTES.keyRenewal, 'web-03'), TOKENS.operator, {})),
    '404 REQUEST-NOT-FOUND',
  );
});

test('what vouches for the host does not change with its attestation key, whatever the agent calls itself', async (t) => {
  const verifier = await service(t, { approveEnrolments: 'all' });
  const host = await SimulatedHost.boot({ name: 'web-03' });
  await assert.rejects(enrol(verifier, host), /ENROLMENT-WAITS/);
  assert.equal((await post(verifier, route(ROUTES.enrolmentApproval, 'E-1'), TOKENS.operator, {})).status, 200);
  const agent = await enrol(verifier, host);
  const next = agent.host.withAnotherKey();
  const request = { ...(await next.enrolRequest()), name: 'other-name', ekCertificates: ['AAAA'] };
  const begun = content(await post(verifier, ROUTES.renewKey, agent.token, request), EnrolReply);
  const proof = { secret: await next.openCredential(begun) };
  const answer = await post(verifier, route(ROUTES.activate, begun.enrolment), '', proof);
  const renewed = new TestAgent(verifier, next, content(answer, ActivateReply));
  const { name, tpm } = await renewed.detail();
  assert.deepEqual([name, tpm.trust], ['web-03', 'approved']);
  assert.deepEqual(await renewed.findings(), []);
});

test('a token that an agent chooses is 32 bytes in base64url, and nothing else', async (t) => {
  const verifier = await service(t);
  const agent = await captured(verifier, 'web-03');
  for (const token of ['', 'x', 'x'.repeat(44), `${'x'.repeat(42)}=`, `${'x'.repeat(42)} `]) {
    assert.equal(refusal(await prove(verifier, agent, agent.host, token)), '400 REQUEST-INVALID', token);
  }
  assert.equal((await agent.attest()).verified, true);
});

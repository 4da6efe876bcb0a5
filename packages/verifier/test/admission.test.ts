import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fromBase64, toBase64, toHex } from '@assay/core/bytes';
import { encodePublicKey } from '@assay/core/keys';
import { nodeHasher } from '@assay/core/node';
import { parsePublic, publicKeyOf } from '@assay/core/tpm';
import { distinguishedName, mintAuthority, mintCertificate } from '@assay/testkit/certificates';
import { SimulatedHost } from '@assay/testkit/evidence';
import type { Verifier } from '@assay/verifier';
import {
  ActivateReply,
  AuditPage,
  DigestDocument,
  EnrolmentDocument,
  EnrolmentList,
  EnrolReply,
  HostLines,
  HostRemoval,
  PolicyList,
  RegisteredKeyList,
  route,
  ROUTES,
  TokenReply,
  type Enrolment,
  type EnrolRequest,
  type Role,
} from '@assay/wire';
import { listen } from './listen.ts';
import { activate, content, enrol, TestAgent } from './machine.ts';
import { call, post, problemIn, refusal, service, TOKENS, type Answer } from './service.ts';

/** Enrols as far as it goes: what the verifier answers to the credential, or to the request where that is refused. */
async function ask(verifier: Verifier, host: SimulatedHost, change: Partial<EnrolRequest> = {}): Promise<Answer> {
  const begun = await post(verifier, ROUTES.enrol, TOKENS.join, { ...(await host.enrolRequest()), ...change });
  if (begun.status !== 201) return begun;
  const reply = EnrolReply.parse(JSON.parse(begun.text));
  return activate(verifier, reply.enrolment, await host.openCredential(reply));
}

async function enrolments(verifier: Verifier, query = ''): Promise<Enrolment[]> {
  return content(await call(verifier, `${ROUTES.enrolments}?${query}`), EnrolmentList).enrolments;
}

async function decide(verifier: Verifier, id: string, what: 'approve' | 'refuse', body = {}): Promise<Enrolment> {
  const path = what === 'approve' ? ROUTES.enrolmentApproval : ROUTES.enrolmentRefusal;
  return content(await post(verifier, route(path, id), TOKENS.operator, body), EnrolmentDocument).enrolment;
}

function remove(verifier: Verifier, host: string): Promise<Answer> {
  return post(verifier, route(ROUTES.hostRemoval, host), TOKENS.operator, {});
}

async function tokenOf(verifier: Verifier, role: Role): Promise<string> {
  const request = { name: `${role}@example`, role };
  return content(await post(verifier, ROUTES.tokens, TOKENS.operator, request), TokenReply).secret;
}

async function actions(verifier: Verifier): Promise<string[]> {
  const answer = await call(verifier, ROUTES.audit, { headers: { authorization: `Bearer ${TOKENS.operator}` } });
  return content(answer, AuditPage).entries.map(({ actor, action }) => `${actor} ${action}`);
}

const boot = (name: string): Promise<SimulatedHost> => SimulatedHost.boot({ name });

test('case 28: a name that another endorsement key has waits, and the host that has it gets a finding', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await boot('web-03'));
  await agent.attest();
  const other = await boot('web-03');
  const answer = await ask(verifier, other);
  assert.equal(refusal(answer), '409 ENROLMENT-WAITS');
  assert.match(problemIn(answer).detail, /^E-1 waits for a decision\. The name web-03 belongs to host/);
  const [waiting, ...more] = await enrolments(verifier);
  assert.deepEqual(more, []);
  assert.deepEqual(
    [waiting?.state, waiting?.name, waiting?.trust, waiting?.reasons[0]?.code, waiting?.reasons[0]?.host?.id],
    ['pending', 'web-03', 'first-use', 'HOST-DUPLICATE', agent.hostId],
  );
  assert.notEqual(waiting?.hostId, agent.hostId);
  const [finding] = await agent.findings();
  assert.deepEqual([finding?.code, finding?.severity], ['HOST-DUPLICATE', 'warning']);
  await agent.host.execute('/usr/bin/true', 'true');
  assert.equal((await agent.attest()).verdict, 'warning', 'no evidence of the host settles it');
  const path = route(ROUTES.findingResolution, finding?.id ?? '');
  assert.equal(refusal(await post(verifier, path, TOKENS.operator, { reason: 'known' })), '409 FINDING-SHOWN');
});

test('who listens hears of enrolments: who waits, what was decided, and when the machine is in', async (t) => {
  const verifier = await service(t);
  await enrol(verifier, await boot('web-03'));
  const whole = await listen(t, verifier, 'whole');
  const lines = await listen(t, verifier, 'lines');
  const other = await boot('web-03');
  const heard = async (): Promise<(string | null | undefined)[]> => {
    let event = await whole();
    while (event.type !== 'enrolment') event = await whole();
    let line = await lines();
    while (line.enrolments.length === 0) line = await lines();
    return [event.id, ...line.enrolments, event.enrolment?.state, event.enrolment?.decidedBy];
  };
  await ask(verifier, other);
  assert.deepEqual(await heard(), ['E-1', 'E-1', 'pending', null]);
  await decide(verifier, 'E-1', 'refuse');
  assert.deepEqual(await heard(), ['E-1', 'E-1', 'refused', 'built-in-operator']);
  await decide(verifier, 'E-1', 'approve');
  assert.deepEqual(await heard(), ['E-1', 'E-1', 'approved', 'built-in-operator']);
  const { hostId } = content(await ask(verifier, other), ActivateReply);
  assert.deepEqual(await heard(), ['E-1', 'E-1', 'approved', 'built-in-operator']);
  assert.equal((await enrolments(verifier))[0]?.enrolledAt === null, false);
  await remove(verifier, hostId);
  assert.deepEqual(await heard(), ['E-1', 'E-1', undefined, undefined]);
});

test('case 29: one endorsement key under a second name waits, and its host gets a finding', async (t) => {
  const verifier = await service(t);
  const host = await boot('web-03');
  const agent = await enrol(verifier, host);
  const answer = await ask(verifier, host, { name: 'web-04' });
  assert.match(problemIn(answer).detail, /enrolled already, as web-03/);
  const [finding] = await agent.findings();
  assert.deepEqual([finding?.code, finding?.sentence.includes('web-04')], ['EK-DUPLICATE', true]);
  const again = await enrol(verifier, host);
  assert.deepEqual(
    (await again.findings()).map(({ code }) => code),
    ['EK-DUPLICATE'],
    'while the other one waits',
  );
});

test('who waits asks as often as it likes, without proof, and is one enrolment', async (t) => {
  let now = new Date('2026-09-01T12:00:00Z');
  const verifier = await service(t, { now: () => now });
  await enrol(verifier, await boot('web-03'));
  const other = await boot('web-03');
  await ask(verifier, other);
  now = new Date('2026-09-01T12:01:00Z');
  const again = await post(verifier, ROUTES.enrol, TOKENS.join, await other.enrolRequest());
  assert.equal(refusal(again), '409 ENROLMENT-WAITS');
  const [waiting, ...more] = await enrolments(verifier);
  assert.deepEqual([waiting?.askedAt, more.length], ['2026-09-01T12:00:00.000Z', 0]);
  assert.equal(waiting?.lastAskedAt, '2026-09-01T12:01:00.000Z');
});

test('an approved machine takes the place of the host that had its name, and no other', async (t) => {
  const verifier = await service(t);
  const old = await enrol(verifier, await boot('web-03'));
  await old.attest();
  const machine = await boot('web-03');
  await ask(verifier, machine);
  const approved = await decide(verifier, 'E-1', 'approve', { note: 'mainboard replaced' });
  assert.deepEqual(
    [approved.state, approved.decidedBy, approved.note, approved.enrolledAt],
    ['approved', 'built-in-operator', 'mainboard replaced', null],
  );
  assert.deepEqual(await old.findings(), [], 'the decision ends the finding');
  assert.equal((await old.attest()).verified, true, 'until the machine comes');

  const agent = await enrol(verifier, machine);
  assert.equal((await agent.attest()).verified, true);
  const detail = await agent.detail();
  assert.deepEqual([detail.name, detail.tpm.trust], ['web-03', 'approved']);
  assert.match(detail.ladder[0]?.facts.find(({ label }) => label === 'Approved')?.value ?? '', /by built-in-operator$/);
  assert.equal(refusal(await call(verifier, route(ROUTES.host, old.hostId))), '404 REQUEST-NOT-FOUND');
  assert.equal(refusal(await old.post(await old.host.evidence(old.challenge))), '401 REQUEST-UNAUTHENTICATED');
  assert.notEqual((await enrolments(verifier))[0]?.enrolledAt, null);
  const over = await post(verifier, route(ROUTES.enrolmentRefusal, 'E-1'), TOKENS.operator, {});
  assert.equal(refusal(over), '409 ENROLMENT-OVER');
  assert.equal(
    refusal(await ask(verifier, old.host)),
    '409 ENROLMENT-WAITS',
    'now the old one asks for a name that is taken',
  );
  assert.deepEqual((await actions(verifier)).slice(-2), [
    'built-in-operator enrolment.approve',
    'built-in-join host.enrol',
  ]);
});

test('what was approved is one dispute: where it is about another host now, the machine waits again', async (t) => {
  const verifier = await service(t);
  const first = await enrol(verifier, await boot('web-03'));
  const machine = await boot('web-03');
  await ask(verifier, machine);
  await decide(verifier, 'E-1', 'approve');
  assert.equal((await remove(verifier, first.hostId)).status, 200);
  await enrol(verifier, await boot('web-03'));
  assert.equal(refusal(await ask(verifier, machine)), '409 ENROLMENT-WAITS');
  assert.equal((await enrolments(verifier))[0]?.state, 'pending');
});

test('an approved new name renames the host, which keeps its id and its findings', async (t) => {
  const verifier = await service(t);
  const host = await boot('web-03');
  const before = await enrol(verifier, host);
  await ask(verifier, host, { name: 'web-04' });
  await decide(verifier, 'E-1', 'approve');
  const answer = await ask(verifier, host, { name: 'web-04' });
  const { hostId } = content(answer, ActivateReply);
  const after = new TestAgent(verifier, host, content(answer, ActivateReply));
  assert.deepEqual([hostId, (await after.detail()).name], [before.hostId, 'web-04']);
});

test('a refused machine stays out until it is approved, and the host is rid of the finding', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await boot('web-03'));
  const machine = await boot('web-03');
  await ask(verifier, machine);
  await decide(verifier, 'E-1', 'refuse', { note: 'unknown machine' });
  const answer = await ask(verifier, machine);
  assert.equal(refusal(answer), '403 ENROLMENT-REFUSED');
  assert.match(problemIn(answer).detail, /E-1 was refused by built-in-operator at .*: unknown machine/);
  assert.deepEqual(await agent.findings(), []);
  assert.deepEqual(await enrolments(verifier, 'state=pending'), []);
  await decide(verifier, 'E-1', 'approve');
  assert.equal((await ask(verifier, machine)).status, 201);
});

test('where the host that stood against it is removed, a machine that waits comes in by itself', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await boot('web-03'));
  const machine = await boot('web-03');
  await ask(verifier, machine);
  assert.deepEqual(content(await remove(verifier, 'web-03'), HostRemoval).host, { id: agent.hostId, name: 'web-03' });
  assert.equal((await ask(verifier, machine)).status, 201);
  assert.deepEqual(await enrolments(verifier), []);
});

test('with approval of first use, only machines for which nobody vouches wait; known hosts never', async (t) => {
  const verifier = await service(t, { approveEnrolments: 'first-use' });
  const host = await boot('web-03');
  assert.equal(refusal(await ask(verifier, host)), '409 ENROLMENT-WAITS');
  const [waiting] = await enrolments(verifier);
  assert.deepEqual([waiting?.reasons[0]?.code, waiting?.reasons[0]?.host], ['APPROVAL-REQUIRED', null]);
  await decide(verifier, 'E-1', 'approve');
  assert.equal((await (await enrol(verifier, host)).detail()).tpm.trust, 'approved');
  assert.equal((await (await enrol(verifier, host)).detail()).tpm.trust, 'approved', 'the second time, too');
  assert.deepEqual(await trustInLines(verifier), ['approved']);
});

test('a registered key enrols without a join token and a decision, and its tier says so', async (t) => {
  const verifier = await service(t, { approveEnrolments: 'all' });
  const authority = mintAuthority('Maker');
  for (const form of ['public area', 'key', 'certificate'] as const) {
    const host = await boot(`by-${form.replace(' ', '-')}`);
    const request = await host.enrolRequest();
    const area = parsePublic(fromBase64(request.ekPublic));
    const info = encodePublicKey(publicKeyOf(area));
    const digest = (bytes: Uint8Array): string => `sha256:${toHex(nodeHasher.digest('sha256', bytes))}`;
    const key =
      form === 'certificate'
        ? { certificate: toBase64(mintCertificate({ subject: distinguishedName(), key: info, issuer: authority })) }
        : { digest: digest(form === 'key' ? info : area.raw) };
    const unknown = await call(verifier, ROUTES.enrol, jsonPost(request));
    assert.equal(refusal(unknown), '401 REQUEST-UNAUTHENTICATED', form);
    const registered = await post(verifier, ROUTES.registeredKeys, TOKENS.operator, {
      keys: [{ ...key, name: host.name }],
    });
    assert.equal(registered.status, 201, registered.text);
    const begun = content(await call(verifier, ROUTES.enrol, jsonPost(request)), EnrolReply);
    const secret = await host.openCredential(begun);
    const answer = await call(verifier, route(ROUTES.activate, begun.enrolment), jsonPost({ secret }));
    const agent = new TestAgent(verifier, host, content(answer, ActivateReply));
    assert.equal((await agent.detail()).tpm.trust, 'registered');
    assert.ok((await trustInLines(verifier)).every((trust) => trust === 'registered'));
    assert.equal(refusal(await ask(verifier, host, { name: `${host.name}-2` })), '409 ENROLMENT-WAITS');
  }
});

/** As the table of hosts has it. */
async function trustInLines(verifier: Verifier): Promise<string[]> {
  const { hosts } = content(await call(verifier, ROUTES.hostLines), HostLines);
  return hosts.map(({ tpm }) => tpm.trust);
}

const jsonPost = (body: unknown) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(body),
});

test('a key that is registered for one name waits under another', async (t) => {
  const verifier = await service(t);
  const host = await boot('web-04');
  const { raw } = parsePublic(fromBase64((await host.enrolRequest()).ekPublic));
  const digest = `sha256:${toHex(nodeHasher.digest('sha256', raw))}`;
  await post(verifier, ROUTES.registeredKeys, TOKENS.operator, { keys: [{ digest, name: 'web-03' }] });
  assert.equal(refusal(await ask(verifier, host)), '409 ENROLMENT-WAITS');
  assert.match((await enrolments(verifier))[0]?.reasons[0]?.sentence ?? '', /registered for the name web-03/);
  const path = route(ROUTES.registeredKeyRemoval, digest);
  assert.equal(content(await post(verifier, path, TOKENS.operator, {}), RegisteredKeyList).keys[0]?.digest, digest);
  assert.equal(refusal(await post(verifier, path, TOKENS.operator, {})), '404 REQUEST-NOT-FOUND');
  assert.equal((await ask(verifier, host)).status, 201);
});

test('registered keys are refused that are neither a digest nor a certificate, or both', async (t) => {
  const verifier = await service(t);
  const digest = `sha256:${'0'.repeat(64)}`;
  for (const keys of [[], [{}], [{ digest: 'sha1:00' }], [{ digest, certificate: 'AA==' }], [{ digest, more: 1 }]]) {
    const answer = await post(verifier, ROUTES.registeredKeys, TOKENS.operator, { keys });
    assert.equal(refusal(answer), '400 REQUEST-INVALID', JSON.stringify(keys));
  }
  const broken = await post(verifier, ROUTES.registeredKeys, TOKENS.operator, {
    keys: [{ digest }, { certificate: 'AAAA' }],
  });
  assert.equal(problemIn(broken).status, 422);
  const list = content(await call(verifier, ROUTES.registeredKeys), RegisteredKeyList);
  assert.deepEqual(list.keys, [], 'all or none');
});

test('a host renews its attestation key with its own token, and no other host can', async (t) => {
  const verifier = await service(t);
  const [host, other] = [await boot('web-03'), await boot('web-04')];
  const [agent, stranger] = [await enrol(verifier, host), await enrol(verifier, other)];
  const foreign = await post(verifier, ROUTES.renewKey, stranger.token, await host.enrolRequest());
  assert.equal(refusal(foreign), '403 REQUEST-FORBIDDEN');
  const begun = content(await post(verifier, ROUTES.renewKey, agent.token, await host.enrolRequest()), EnrolReply);
  const answer = await activate(verifier, begun.enrolment, await host.openCredential(begun));
  const renewed = new TestAgent(verifier, host, content(answer, ActivateReply));
  assert.equal(renewed.hostId, agent.hostId);
  assert.equal((await renewed.attest()).verified, true);
  const old = await post(verifier, ROUTES.renewKey, agent.token, await host.enrolRequest());
  assert.equal(refusal(old), '401 REQUEST-UNAUTHENTICATED');
});

test('approvers decide, register and remove; operators and viewers only look', async (t) => {
  const verifier = await service(t);
  const [approver, operator] = [await tokenOf(verifier, 'approver'), await tokenOf(verifier, 'operator')];
  for (const path of [
    route(ROUTES.enrolmentApproval, 'E-1'),
    route(ROUTES.enrolmentRefusal, 'E-1'),
    route(ROUTES.hostRemoval, 'web-03'),
    route(ROUTES.registeredKeyRemoval, `sha256:${'0'.repeat(64)}`),
  ]) {
    assert.equal(refusal(await post(verifier, path, operator, {})), '403 REQUEST-FORBIDDEN', path);
    assert.equal(refusal(await post(verifier, path, approver, {})), '404 REQUEST-NOT-FOUND', path);
  }
  assert.equal(refusal(await post(verifier, ROUTES.registeredKeys, operator, {})), '403 REQUEST-FORBIDDEN');
  assert.equal(refusal(await call(verifier, route(ROUTES.enrolment, 'E-1'))), '404 REQUEST-NOT-FOUND');
  assert.equal(refusal(await call(verifier, route(ROUTES.enrolment, 'F-1'))), '400 REQUEST-INVALID');
});

test('enrolments are listed in pages, the newest first', async (t) => {
  const verifier = await service(t, { approveEnrolments: 'all' });
  for (const name of ['a', 'b', 'c']) await ask(verifier, await boot(name));
  const first = content(await call(verifier, `${ROUTES.enrolments}?limit=2`), EnrolmentList);
  const rest = content(await call(verifier, `${ROUTES.enrolments}?limit=2&cursor=${first.next}`), EnrolmentList);
  assert.deepEqual(
    [...first.enrolments, ...rest.enrolments].map(({ name }) => name),
    ['c', 'b', 'a'],
  );
  assert.equal(rest.next, null);
});

test('a removed host leaves nothing behind, and its numbers are never those of another', async (t) => {
  const verifier = await service(t);
  const [host, other] = [await boot('web-03'), await boot('web-04')];
  for (const machine of [host, other]) await machine.execute('/usr/bin/true', 'true');
  const agent = await enrol(verifier, host);
  await agent.attest();
  await agent.capture();
  await host.execute('/tmp/x', 'x');
  assert.equal((await agent.attest()).verdict, 'failed');
  const [finding] = await agent.findings();
  const { status } = await remove(verifier, 'web-03');
  assert.equal(status, 200);
  assert.equal(refusal(await remove(verifier, 'web-03')), '404 REQUEST-NOT-FOUND');
  assert.deepEqual(content(await call(verifier, ROUTES.policies), PolicyList).policies, []);

  const second = await enrol(verifier, other);
  await second.attest();
  const path = route(ROUTES.digest, finding?.evidence.digest ?? '');
  const seen = content(await call(verifier, path), DigestDocument);
  assert.deepEqual(seen.sightings, [], 'the boot of the other host is not taken for the one that is gone');
  const back = await enrol(verifier, host);
  assert.deepEqual([(await back.attest()).verdict, (await back.findings()).length], ['unverified', 0]);
});

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { toBase64 } from '@assay/core/bytes';
import { AK_ECC_P256, EK_ECC_P256, encodePublic } from '@assay/core/tpm';
import { SimulatedHost } from '@assay/testkit/evidence';
import { ROUTES, type EnrolRequest } from '@assay/wire';
import { activate, beginEnrolment, enrol } from './machine.ts';
import { post, refusal, service, TOKENS } from './service.ts';

const POINT = { x: new Uint8Array(32).fill(1), y: new Uint8Array(32).fill(2) };

test('case 27: an enrolment is answered once: a second answer finds nothing, though it is right', async (t) => {
  const verifier = await service(t);
  const host = await SimulatedHost.boot({ name: 'web-03' });
  const begun = await beginEnrolment(verifier, host);
  const secret = await host.openCredential(begun);
  assert.equal((await activate(verifier, begun.enrolment, secret)).status, 201);
  assert.equal(refusal(await activate(verifier, begun.enrolment, secret)), '404 ENROLMENT-UNKNOWN');
});

test('case 27: of two answers at the same moment, one enrols', async (t) => {
  const verifier = await service(t);
  const host = await SimulatedHost.boot({ name: 'web-03' });
  const begun = await beginEnrolment(verifier, host);
  const secret = await host.openCredential(begun);
  const answers = await Promise.all([1, 2, 3].map(() => activate(verifier, begun.enrolment, secret)));
  assert.deepEqual(
    answers.map((answer) => answer.status).toSorted((a, b) => a - b),
    [201, 404, 404],
  );
});

test('case 27: a wrong answer uses the enrolment up', async (t) => {
  const verifier = await service(t);
  const host = await SimulatedHost.boot({ name: 'web-03' });
  for (const wrong of ['', '00'.repeat(32), '00'.repeat(64)]) {
    const begun = await beginEnrolment(verifier, host);
    assert.equal(refusal(await activate(verifier, begun.enrolment, wrong)), '403 ENROLMENT-SECRET');
    const right = await host.openCredential(begun);
    assert.equal(refusal(await activate(verifier, begun.enrolment, right)), '404 ENROLMENT-UNKNOWN');
  }
  assert.equal(refusal(await activate(verifier, 'never-begun', '00')), '404 ENROLMENT-UNKNOWN');
});

test('case 27: an enrolment ends after two minutes', async (t) => {
  let now = new Date('2026-09-01T12:00:00Z');
  const verifier = await service(t, { now: () => now });
  const host = await SimulatedHost.boot({ name: 'web-03' });
  const begun = await beginEnrolment(verifier, host);
  assert.equal(begun.expiresAt, '2026-09-01T12:02:00.000Z');
  now = new Date('2026-09-01T12:02:00Z');
  const answer = await activate(verifier, begun.enrolment, await host.openCredential(begun));
  assert.equal(refusal(answer), '404 ENROLMENT-UNKNOWN');
});

test('case 26: a secret for one attestation key does not open the credential of another', async (t) => {
  const verifier = await service(t);
  const [host, other] = [await SimulatedHost.boot({ name: 'web-03' }), await SimulatedHost.boot({ name: 'web-04' })];
  const begun = await beginEnrolment(verifier, host);
  await assert.rejects(other.openCredential(begun), { code: 'TPM-RESPONSE' });
});

/** What the verifier answers to a request to enrol in which something is changed. */
async function changedRequest(t: TestContext): Promise<{ right: EnrolRequest; send(change: object): Promise<string> }> {
  const verifier = await service(t);
  const right = await (await SimulatedHost.boot({ name: 'web-03' })).enrolRequest();
  const send = async (change: object): Promise<string> =>
    refusal(await post(verifier, ROUTES.enrol, TOKENS.join, { ...right, ...change }));
  return { right, send };
}

test('case 19: attestation keys that sign anything are refused', async (t) => {
  const { right, send } = await changedRequest(t);
  const signing = encodePublic({ ...AK_ECC_P256, ...POINT, attributes: 0x00040072 });
  assert.equal(await send({ akPublic: toBase64(signing) }), '422 AK-ATTRIBUTES');
  assert.equal(await send({ akPublic: right.ekPublic }), '422 AK-ATTRIBUTES');
});

test('case 25: endorsement keys of no template are refused', async (t) => {
  const { right, send } = await changedRequest(t);
  assert.equal(await send({ ekPublic: right.akPublic }), '422 EK-UNTRUSTED');
  const otherPolicy = encodePublic({ ...EK_ECC_P256, ...POINT, authPolicy: new Uint8Array(32) });
  assert.equal(await send({ ekPublic: toBase64(otherPolicy) }), '422 EK-UNTRUSTED');
});

test('of two machines that begin to enrol under one name, the first to answer has it', async (t) => {
  const verifier = await service(t);
  const [first, second] = [await SimulatedHost.boot({ name: 'web-03' }), await SimulatedHost.boot({ name: 'web-03' })];
  const [one, two] = [await beginEnrolment(verifier, first), await beginEnrolment(verifier, second)];
  const late = await second.openCredential(two);
  assert.equal((await activate(verifier, one.enrolment, await first.openCredential(one))).status, 201);
  assert.equal(refusal(await activate(verifier, two.enrolment, late)), '409 ENROLMENT-WAITS');
});

test('a host that enrols again has a new token, and shows its whole list again', async (t) => {
  const verifier = await service(t);
  const host = await SimulatedHost.boot({ name: 'web-03' });
  await host.execute('/usr/bin/true', 'true');
  const before = await enrol(verifier, host);
  await before.attest();
  await before.capture();
  await host.execute('/tmp/x', 'x');
  await before.attest();
  const open = await before.findings();
  const unanswered = await host.evidence(before.challenge);

  const after = await enrol(verifier, host);
  assert.equal(after.hostId, before.hostId);
  assert.equal(refusal(await before.post(unanswered)), '401 REQUEST-UNAUTHENTICATED');
  assert.equal(refusal(await after.post(unanswered)), '409 QUOTE-NONCE');
  assert.deepEqual(after.challenge.list, { fromEntry: 1, fromOffset: 0 });
  assert.equal((await after.detail()).verdict, 'failed');
  assert.equal((await after.attest()).verdict, 'failed');
  const again = await after.findings();
  assert.deepEqual(
    again.map(({ id, code }) => [id, code]),
    open.map(({ id, code }) => [id, code]),
  );
  assert.equal((await after.measurements()).total, 3);
});

test('one sender can begin only so many enrolments in a minute', async (t) => {
  const verifier = await service(t);
  const codes = new Set<string>();
  for (let i = 0; i < 301; i++) codes.add(refusal(await post(verifier, ROUTES.enrol, TOKENS.join, {})));
  assert.deepEqual([...codes], ['400 REQUEST-INVALID', '429 REQUEST-TOO-MANY']);
});

test('the token of before is refused at once when a host has enrolled again, though it was used a moment ago', async (t) => {
  const verifier = await service(t);
  const host = await SimulatedHost.boot({ name: 'web-03' });
  const before = await enrol(verifier, host);
  await before.attest();
  const message = await host.evidence(before.challenge);
  const after = await enrol(verifier, host);
  assert.equal(refusal(await before.post(message)), '401 REQUEST-UNAUTHENTICATED');
  assert.equal((await after.attest()).verified, true);
});

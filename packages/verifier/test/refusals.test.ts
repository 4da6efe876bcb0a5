import assert from 'node:assert/strict';
import { test } from 'node:test';
import { concat, fromBase64, toBase64, toHex } from '@assay/core/bytes';
import { encodeBinaryEntry } from '@assay/core/measurement';
import { SimulatedHost } from '@assay/testkit/evidence';
import type { EvidenceMessage, HostDetail } from '@assay/wire';
import { enrol, type TestAgent } from './machine.ts';
import { refusal, service } from './service.ts';

/** What must stay as it is when a message is refused before it is looked at. */
async function standing(
  agent: TestAgent,
): Promise<Pick<HostDetail, 'verdict' | 'verdictSince' | 'list' | 'evidenceAt' | 'openFindings'>> {
  const { verdict, verdictSince, list, evidenceAt, openFindings } = await agent.detail();
  return { verdict, verdictSince, list, evidenceAt, openFindings };
}

function altered(message: EvidenceMessage, change: (list: Uint8Array) => Uint8Array): EvidenceMessage {
  const entries = toBase64(change(fromBase64(message.list.entries)));
  return { ...message, list: { ...message.list, entries } };
}

function flipped(bytes: Uint8Array, offset: number): Uint8Array {
  return bytes.map((byte, index) => (index === offset ? byte ^ 1 : byte));
}

/** Sends refused evidence, and sees the host fail with the code, keep what it had, and heal by the next good evidence. */
async function failsAndHeals(agent: TestAgent, message: EvidenceMessage, code: string): Promise<void> {
  const before = await agent.detail();
  const reply = await agent.send(message);
  assert.deepEqual([reply.verified, reply.verdict, reply.errors.map((error) => error.code)], [false, 'failed', [code]]);
  const [finding, ...others] = await agent.findings();
  assert.deepEqual([finding?.code, finding?.severity, others], [code, 'failed', []]);
  const { list, evidenceAt } = await agent.detail();
  assert.deepEqual({ list, evidenceAt }, { list: before.list, evidenceAt: before.evidenceAt });
  const healed = await agent.attest();
  assert.deepEqual([healed.verified, healed.verdict], [true, 'unverified']);
  assert.deepEqual(await agent.findings(), []);
}

test('case 9: a message that was answered before is refused, and changes nothing', async (t) => {
  const verifier = await service(t);
  const host = await SimulatedHost.boot({ name: 'web-03' });
  const agent = await enrol(verifier, host);
  const message = await host.evidence(agent.challenge);
  await agent.send(message);
  const before = await standing(agent);
  assert.equal(refusal(await agent.post(message)), '409 QUOTE-NONCE');
  assert.deepEqual(await standing(agent), before);
  assert.equal((await agent.attest()).verified, true);
});

test('of the same message sent twice at once, one is accepted', async (t) => {
  const verifier = await service(t);
  const host = await SimulatedHost.boot({ name: 'web-03' });
  const agent = await enrol(verifier, host);
  const message = await host.evidence(agent.challenge);
  const answers = await Promise.all([agent.post(message), agent.post(message)]);
  assert.deepEqual(
    answers.map((answer) => answer.status).toSorted((a, b) => a - b),
    [200, 409],
  );
});

test('case 12: a challenge that has expired is refused, and changes nothing', async (t) => {
  let now = new Date('2026-09-01T12:00:00Z');
  const verifier = await service(t, { now: () => now, staleAfterSeconds: 600 });
  const host = await SimulatedHost.boot({ name: 'web-03' });
  const agent = await enrol(verifier, host);
  const message = await host.evidence(agent.challenge);
  now = new Date('2026-09-01T12:02:00Z');
  const before = await standing(agent);
  assert.equal(refusal(await agent.post(message)), '409 QUOTE-NONCE');
  assert.deepEqual(await standing(agent), before);
  await agent.askChallenge();
  assert.equal((await agent.attest()).verified, true);
});

test('case 11: the session of another host is refused, and is still good for that host', async (t) => {
  const verifier = await service(t);
  const [one, two] = [
    await enrol(verifier, await SimulatedHost.boot({ name: 'one' })),
    await enrol(verifier, await SimulatedHost.boot({ name: 'two' })),
  ];
  const message = await one.host.evidence(two.challenge);
  const before = await standing(one);
  assert.equal(refusal(await one.post(message)), '409 QUOTE-NONCE');
  assert.equal(refusal(await one.post({ ...message, session: 'x'.repeat(64) })), '409 QUOTE-NONCE');
  assert.deepEqual(await standing(one), before);
  assert.equal((await two.attest()).verified, true);
});

test('case 57: a quote over the nonce of another host fails with QUOTE-NONCE', async (t) => {
  const verifier = await service(t);
  const [one, two] = [
    await enrol(verifier, await SimulatedHost.boot({ name: 'one' })),
    await enrol(verifier, await SimulatedHost.boot({ name: 'two' })),
  ];
  const { nonce } = two.challenge;
  await failsAndHeals(one, await one.host.evidence({ ...one.challenge, nonce }), 'QUOTE-NONCE');
});

test('case 15: a quote by the attestation key of another host fails with QUOTE-SIGNATURE', async (t) => {
  const verifier = await service(t);
  const [one, two] = [
    await enrol(verifier, await SimulatedHost.boot({ name: 'one' })),
    await enrol(verifier, await SimulatedHost.boot({ name: 'two' })),
  ];
  await failsAndHeals(one, await two.host.evidence(one.challenge), 'QUOTE-SIGNATURE');
});

test('facts that were changed on the way fail with QUOTE-NONCE', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  const message = await agent.host.evidence(agent.challenge);
  await failsAndHeals(agent, { ...message, facts: { ...message.facts, tpmKind: 'hardware' } }, 'QUOTE-NONCE');
  assert.equal((await agent.detail()).tpm.kind, 'simulated');
});

test('PCR values that the TPM did not sign fail with QUOTE-PCR-DIGEST, a quote over fewer with QUOTE-SELECTION', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  const message = await agent.host.evidence(agent.challenge);
  const pcrs = { ...message.pcrs, '7': toHex(new Uint8Array(32).fill(7)) };
  await failsAndHeals(agent, { ...message, pcrs }, 'QUOTE-PCR-DIGEST');
  const without = Object.fromEntries(Object.entries(message.pcrs).filter(([pcr]) => pcr !== '7'));
  await failsAndHeals(agent, { ...(await agent.host.evidence(agent.challenge)), pcrs: without }, 'QUOTE-PCR-DIGEST');
  const fewer = { ...agent.challenge, selection: { bank: 'sha256' as const, pcrs: [10] } };
  await failsAndHeals(agent, await agent.host.evidence(fewer), 'QUOTE-SELECTION');
});

test('a list whose data was changed fails with IMA-TEMPLATE-DIGEST', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  await agent.host.execute('/usr/bin/evil', 'evil');
  const message = await agent.host.evidence(agent.challenge);
  const name = Buffer.from(fromBase64(message.list.entries)).indexOf('/usr/bin/evil');
  await failsAndHeals(
    agent,
    altered(message, (list) => flipped(list, name + 1)),
    'IMA-TEMPLATE-DIGEST',
  );
});

test('a list without one of its entries, or in another order, fails with IMA-REPLAY', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  const { host } = agent;
  await agent.attest();
  for (const path of ['/usr/bin/a', '/usr/bin/b', '/usr/bin/c']) await host.execute(path, path);
  const [first, second] = [
    host.list.offsetOf(3) - host.list.offsetOf(2),
    host.list.offsetOf(4) - host.list.offsetOf(2),
  ];
  const swapped = (list: Uint8Array): Uint8Array =>
    Buffer.concat([list.subarray(first, second), list.subarray(0, first), list.subarray(second)]);
  const message = await host.evidence(agent.challenge);
  await failsAndHeals(agent, altered(message, swapped), 'IMA-REPLAY');
  await host.execute('/usr/bin/d', 'd');
  await host.execute('/usr/bin/e', 'e');
  const shortened = altered(await host.evidence(agent.challenge), (list) =>
    list.subarray(host.list.offsetOf(6) - host.list.offsetOf(5)),
  );
  await failsAndHeals(agent, shortened, 'IMA-REPLAY');
});

test('evidence that cannot be read fails with EVIDENCE-FORMAT', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  const message = await agent.host.evidence(agent.challenge);
  const quote = { ...message.quote, message: toBase64(fromBase64(message.quote.message).subarray(0, 40)) };
  await failsAndHeals(agent, { ...message, quote }, 'EVIDENCE-FORMAT');
  await agent.host.execute('/usr/bin/a', 'a');
  const cut = altered(await agent.host.evidence(agent.challenge), (list) => list.subarray(0, -1));
  await failsAndHeals(agent, cut, 'EVIDENCE-FORMAT');
  const twice = await agent.host.evidence(agent.challenge);
  await failsAndHeals(agent, { ...twice, pcrs: { ...twice.pcrs, '07': twice.pcrs['7'] ?? '' } }, 'EVIDENCE-FORMAT');
});

test('an entry of a template that has no digest, or that nobody knows, leaves the list unproved', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  await agent.attest();
  for (const template of ['n-ng', 'ima-new']) {
    const data = { templateData: new Uint8Array(8), templateDigest: new Uint8Array(32).fill(1) };
    const record = encodeBinaryEntry({ pcr: 10, template, ...data });
    const message = await agent.host.evidence(agent.challenge);
    const reply = await agent.send(altered(message, (list) => concat([list, record])));
    assert.deepEqual([reply.verified, reply.verdict], [false, 'warning']);
    assert.deepEqual(
      (await agent.findings()).map(({ code }) => code),
      ['IMA-TEMPLATE-UNKNOWN'],
    );
    assert.equal((await agent.attest()).verdict, 'unverified');
  }
});

test('a list from another place than was asked for is no failure: the whole list is asked for', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  await agent.host.execute('/usr/bin/a', 'a');
  await agent.attest();
  await agent.host.execute('/usr/bin/b', 'b');
  const list = { fromEntry: 2, fromOffset: agent.host.list.offsetOf(2) };
  const reply = await agent.send(await agent.host.evidence({ ...agent.challenge, list }));
  assert.deepEqual([reply.verified, reply.verdict], [false, 'unverified']);
  assert.deepEqual(
    reply.errors.map((error) => error.code),
    ['IMA-LOG-GAP'],
  );
  assert.deepEqual(await agent.findings(), []);
  assert.deepEqual(reply.challenge.list, { fromEntry: 1, fromOffset: 0 });
  const whole = await agent.attest();
  assert.deepEqual([whole.verified, whole.challenge.list.fromEntry], [true, 4]);
  assert.equal((await agent.measurements()).total, 3);
});

test('a refused host stays failed when it falls silent', async (t) => {
  let now = new Date('2026-09-01T12:00:00Z');
  const verifier = await service(t, { now: () => now });
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  await agent.attest();
  await agent.send(await agent.host.evidence({ ...agent.challenge, nonce: '00'.repeat(32) }));
  now = new Date('2026-09-01T12:10:00Z');
  assert.equal((await agent.detail()).verdict, 'failed');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { toBase64, utf8 } from '@assay/core/bytes';
import type { HashName } from '@assay/core/hash';
import { bootAggregate } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { SimulatedHost, SimulatedList } from '@assay/testkit/evidence';
import { startVerifier } from '@assay/verifier';
import { enrol, type TestAgent } from './machine.ts';
import { newStore, service, TOKENS } from './service.ts';

test('a challenge and the kept state outlive a restart of the verifier between question and answer', async (t) => {
  const options = { store: await newStore(t), port: 0, tokens: TOKENS };
  const first = await startVerifier(options);
  const agent = await enrol(first, await SimulatedHost.boot({ name: 'web-03' }));
  await agent.attest();
  await agent.host.execute('/usr/bin/a', 'a');
  const message = await agent.host.evidence(agent.challenge);
  await first.close();

  const second = await startVerifier(options);
  t.after(() => second.close());
  agent.verifier = second;
  const reply = await agent.send(message);
  assert.deepEqual([reply.verified, reply.challenge.list.fromEntry], [true, 3]);
  assert.equal((await agent.post(message)).status, 409);
  await agent.host.execute('/usr/bin/b', 'b');
  assert.equal((await agent.attest()).verified, true);
  assert.equal((await agent.measurements()).total, 3);
});

test('a reboot begins a new list, keeps the old one, and ends the findings of the old boot', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  await agent.host.execute('/usr/bin/true', 'true');
  await agent.attest();
  await agent.capture();
  await agent.host.execute('/tmp/x', 'x');
  assert.equal((await agent.attest()).verdict, 'failed');
  const before = await agent.detail();

  const rebooted = agent.on(await agent.host.reboot());
  await rebooted.host.execute('/usr/bin/true', 'true');
  // The challenge of before the reboot asks for the list from where it stood.
  assert.equal(rebooted.challenge.list.fromEntry, 4);
  const whole = { ...rebooted.challenge, list: { fromEntry: 1, fromOffset: 0 } };
  const reply = await rebooted.send(await rebooted.host.evidence(whole));
  assert.deepEqual([reply.verified, reply.verdict], [true, 'trusted']);
  assert.deepEqual(await rebooted.findings(), []);
  assert.equal((await rebooted.findings('open=false')).length, 1);
  const after = await rebooted.detail();
  assert.equal(after.list.entries, 2);
  assert(Number(after.boot?.resetCount) > Number(before.boot?.resetCount));
});

test('another firmware of the TPM is a warning until the next boot, and an older one is the likely attack', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  await agent.attest();
  await agent.capture();
  const older = await attestWhole(agent.on(await agent.host.reboot({ firmwareVersion: 0x0000_0000_0007_0001n })));
  const [finding] = await older.findings();
  assert.equal(finding?.code, 'TPM-FIRMWARE-CHANGED');
  assert.equal(finding.sentence, 'The TPM runs firmware 0.0.7.1 now; it was 0.1.0.0 in the round before.');
  assert.match(finding.explanation.at(-1)?.cause ?? '', /older firmware/);
  assert.equal((await older.detail()).verdict, 'warning');
  await older.attest();
  assert.equal((await older.findings()).length, 1);
  const again = await attestWhole(older.on(await older.host.reboot({ firmwareVersion: 0x0000_0000_0007_0001n })));
  assert.deepEqual(await again.findings(), []);
  assert.equal((await again.detail()).verdict, 'trusted');
});

/** Sends the whole list, as a host does that was just switched on. */
async function attestWhole(agent: TestAgent): Promise<TestAgent> {
  const whole = { ...agent.challenge, list: { fromEntry: 1, fromOffset: 0 } };
  assert.equal((await agent.send(await agent.host.evidence(whole))).verified, true);
  return agent;
}

test('entries sent after a reboot from where the old list stood are no failure: the whole list is asked for', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  await agent.attest();
  await agent.capture();
  assert.equal((await agent.attest()).verdict, 'trusted');
  const rebooted = agent.on(await agent.host.reboot());
  for (const path of ['/usr/bin/a', '/usr/bin/b']) await rebooted.host.execute(path, path);
  const partial = await rebooted.attest();
  assert.deepEqual([partial.verified, partial.verdict], [false, 'trusted']);
  assert.deepEqual(partial.challenge.list, { fromEntry: 1, fromOffset: 0 });
  assert.equal((await rebooted.attest()).verified, true);
  assert.equal((await rebooted.detail()).list.entries, 3);
});

test('entries that the quote does not cover yet wait for the next round', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  const { host } = agent;
  await host.execute('/usr/bin/a', 'a');
  const message = await host.evidence(agent.challenge);
  await host.execute('/usr/bin/b', 'b');
  const entries = Buffer.from(host.list.bytes()).toString('base64');
  const reply = await agent.send({ ...message, list: { ...message.list, entries } });
  assert.deepEqual([reply.verified, reply.challenge.list.fromEntry], [true, 3]);
  assert.equal((await agent.measurements()).total, 2);
  await agent.attest();
  assert.equal((await agent.measurements()).total, 3);
});

test('a host whose evidence grows old is stale, by itself, and fresh with the next evidence', async (t) => {
  let now = new Date('2026-09-01T12:00:00Z');
  const verifier = await service(t, { now: () => now, staleAfterSeconds: 30 });
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  await agent.attest();
  await agent.capture();
  now = new Date('2026-09-01T12:00:30Z');
  assert.equal((await agent.detail()).verdict, 'trusted');
  now = new Date('2026-09-01T12:00:31Z');
  const stale = await agent.detail();
  assert.deepEqual([stale.verdict, stale.verdictSince], ['stale', '2026-09-01T12:00:31.000Z']);
  assert.equal(stale.sentence, 'No fresh evidence since 2026-09-01T12:00:00.000Z.');
  assert.equal(stale.ladder.find(({ rung }) => rung === 'quote')?.state, 'warning');
  assert.equal((await agent.attest()).verdict, 'trusted');
});

test('listeners learn that a host is stale without anybody asking', async (t) => {
  const verifier = await service(t, { staleAfterSeconds: 1 });
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  await agent.attest();
  const { body } = await fetch(`${verifier.url}/v1/events`);
  const seen: string[] = [];
  const until = AbortSignal.timeout(60_000);
  for await (const chunk of body ?? []) {
    seen.push(Buffer.from(chunk).toString());
    if (seen.join('').includes('"verdict":"stale"') || until.aborted) break;
  }
  assert.match(seen.join(''), /event: host\ndata: \{"type":"host".*"verdict":"stale"/);
});

test('a verifier that was down says at once that its old evidence is stale', async (t) => {
  const options = { store: await newStore(t), port: 0, tokens: TOKENS, staleAfterSeconds: 1 };
  const first = await startVerifier(options);
  const agent = await enrol(first, await SimulatedHost.boot({ name: 'web-03' }));
  assert.equal((await agent.attest()).verdict, 'unverified');
  await first.close();
  await delay(1100);
  agent.verifier = await service(t, options);
  assert.equal((await agent.detail()).verdict, 'stale');
});

for (const bank of ['sha1', 'sha384'] as const satisfies readonly HashName[]) {
  test(`a list in the ${bank} bank is replayed to the SHA-256 PCR`, async (t) => {
    const verifier = await service(t);
    const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03', bank }));
    await agent.host.execute('/usr/bin/true', 'true');
    await agent.host.extend(agent.host.list.violate('/var/log/messages'));
    const reply = await agent.attest();
    assert.deepEqual([reply.verified, reply.verdict], [true, 'warning']);
    assert.deepEqual((await agent.capture()).host.list, { source: 'simulated', entries: 3, violations: 1 });
    const { measurements } = await agent.measurements();
    assert.deepEqual(
      measurements.map(({ status }) => status),
      ['boot-aggregate', 'known', 'violation'],
    );
    assert.match(String(measurements[1]?.templateDigest), /^sha256:[0-9a-f]{64}$/);
  });
}

test('a host may go on with its list in another bank: it is asked for the whole list once', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03', bank: 'sha1' }));
  const { host } = agent;
  await agent.attest();
  await host.execute('/usr/bin/true', 'true');
  const list = new SimulatedList('sha256');
  list.begin(bootAggregate(nodeHasher, 'sha256', await host.tpm.readPcrs('sha256', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])));
  list.measure('/usr/bin/true', nodeHasher.digest('sha256', utf8('true')));
  const inOtherBank = async () => {
    const { fromEntry } = agent.challenge.list;
    const part = { fromEntry, fromOffset: list.offsetOf(fromEntry), entries: toBase64(list.bytes(fromEntry)) };
    return agent.send({ ...(await host.evidence(agent.challenge)), list: { bank: 'sha256', ...part } });
  };
  assert.deepEqual(
    (await inOtherBank()).errors.map(({ code }) => code),
    ['IMA-LOG-GAP'],
  );
  assert.equal((await inOtherBank()).verified, true);
  assert.equal((await agent.capture()).host.list.entries, 2);
  const heartbeat = await inOtherBank();
  assert.deepEqual([heartbeat.verified, heartbeat.verdict], [true, 'trusted']);
});

test('a violation is a warning that a capture does not wave away', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  await agent.host.extend(agent.host.list.violate('/usr/bin/true'));
  assert.equal((await agent.attest()).verdict, 'warning');
  assert.equal((await agent.capture()).host.verdict, 'warning');
  assert.deepEqual(
    (await agent.findings()).map(({ code }) => code),
    ['IMA-VIOLATION-TOMTOU'],
  );
});

test('a boot_aggregate that is not of the quoted PCRs fails the host', async (t) => {
  const verifier = await service(t);
  const host = await SimulatedHost.boot({ name: 'web-03' });
  await host.tpm.extendPcr(5, new Map([['sha256', nodeHasher.digest('sha256', new Uint8Array(1))]]));
  const agent = await enrol(verifier, host);
  assert.equal((await agent.attest()).verdict, 'failed');
  assert.deepEqual(
    (await agent.findings()).map(({ code }) => code),
    ['BOOT-AGGREGATE'],
  );
  assert.equal((await agent.capture()).host.verdict, 'failed');
});

test('two machines with one TPM state that answer in turn are told from one that was put back', async (t) => {
  const verifier = await service(t);
  const first = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03' }));
  await first.attest();
  const second = await attestWhole(first.on(await first.host.reboot()));
  await first.askChallenge();
  await first.attest();
  const [once] = await first.findings();
  assert.deepEqual(
    [once?.code, once?.sentence.startsWith('The evidence of web-03 was refused')],
    ['QUOTE-CLOCK-BACK', true],
  );
  await first.attest();
  assert.equal((await first.findings())[0]?.sentence, once?.sentence, 'none was accepted in between');
  await second.attest();
  assert.deepEqual(await first.findings(), []);
  for (let again = 0; again < 2; again++) {
    await first.attest(); // The sentence stays while both answer.
    const [finding] = await first.findings();
    assert.match(finding?.sentence ?? '', /^Two machines with one TPM state answer as web-03: /);
    assert.match(finding?.explanation[0]?.cause ?? '', /was cloned with its TPM/);
  }
});

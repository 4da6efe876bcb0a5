import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { toBase64, utf8 } from '@assay/core/bytes';
import { sha1Record } from '@assay/testkit/forge';
import { SimulatedHost, simulatedEventLog } from '@assay/testkit/evidence';
import type { Verifier } from '@assay/verifier';
import { EvidenceBundle, HostBoot, route, ROUTES, type EvidenceReply } from '@assay/wire';
import { content, enrol, type TestAgent } from './machine.ts';
import { call, post, refusal, service, TOKENS } from './service.ts';

const PRESENT = { secureBoot: 'on', commandLine: '/vmlinuz-6.12 root=/dev/vda1 ro ima_policy=tcb' } as const;

async function bootOf(verifier: Pick<Verifier, 'url'>, query = ''): Promise<HostBoot> {
  return content(await call(verifier, `${route(ROUTES.boot, 'web-03')}${query}`), HostBoot);
}

async function attested(
  t: TestContext,
  log = simulatedEventLog(PRESENT),
): Promise<{ verifier: Verifier; agent: TestAgent }> {
  const verifier = await service(t);
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03', eventLog: log }));
  await agent.attest();
  return { verifier, agent };
}

/** After the power was off and on: the list from its start, then what is asked for. */
async function attestAgain(agent: TestAgent): Promise<EvidenceReply> {
  for (let tries = 0; tries < 4; tries++) {
    const reply = await agent.attest();
    if (reply.verified && reply.challenge.eventLog !== true) return reply;
  }
  throw new Error('the verifier goes on to ask for the boot event log');
}

async function rebooted(agent: TestAgent, log: Uint8Array): Promise<TestAgent> {
  const after = agent.on(await agent.host.reboot({ eventLog: log }));
  await attestAgain(after);
  return after;
}

const codes = async (agent: TestAgent): Promise<string[]> => (await agent.findings()).map(({ code }) => code);

test('the boot event log is asked for once in a boot, and explains the PCRs that were quoted with it', async (t) => {
  const { verifier, agent } = await attested(t);
  assert.equal(agent.challenge.eventLog, undefined);
  assert.equal((await agent.attest()).verified, true);
  assert.deepEqual(await codes(agent), []);
  const { log, secureBoot, commandLine, bootAggregate, pcrs, events, eventsTotal, boot } = await bootOf(verifier);
  assert.deepEqual([log.state, log.bank, log.bytes], ['proved', 'sha256', simulatedEventLog(PRESENT).length]);
  assert.deepEqual([secureBoot?.state, secureBoot?.reasons, secureBoot?.authorities], ['on', [], ['db']]);
  assert.deepEqual(commandLine?.state === 'measured' && commandLine.text, PRESENT.commandLine);
  assert.deepEqual([bootAggregate?.agrees, bootAggregate?.lastPcr], [true, 9]);
  assert.deepEqual(
    pcrs.map(({ pcr, state }) => `${pcr} ${state}`),
    [
      ...[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((pcr) => `${pcr} agrees`),
      ...[10, 11, 12, 13].map((pcr) => `${pcr} not-logged`),
      '14 agrees',
      '15 not-logged',
    ],
  );
  assert.equal(eventsTotal, events.length);
  assert.ok(events.some(({ text, covers, proved }) => text.endsWith('grubx64.efi') && covers === 'nothing' && proved));
  assert.deepEqual((await bootOf(verifier, `?boot=${boot?.id}`)).events, events);
  assert.equal(refusal(await call(verifier, `${route(ROUTES.boot, 'web-03')}?boot=999`)), '404 REQUEST-NOT-FOUND');
});

test('a new boot is asked for its own log, and one that says the same is no finding', async (t) => {
  const { verifier, agent } = await attested(t);
  const first = (await bootOf(verifier)).boot?.id;
  const kernelUpdated = { ...PRESENT, commandLine: PRESENT.commandLine.replace('6.12', '6.13') };
  const after = await rebooted(agent, simulatedEventLog(kernelUpdated));
  assert.deepEqual(await codes(after), []);
  const now = await bootOf(verifier);
  assert.notEqual(now.boot?.id, first);
  assert.equal(now.log.state, 'proved');
  const then = await bootOf(verifier, `?boot=${first}`);
  assert.deepEqual(then.commandLine?.state === 'measured' && then.commandLine.text, PRESENT.commandLine);
});

test('Secure Boot that was switched off, and another command line, are warnings until somebody says they were wanted', async (t) => {
  const { verifier, agent } = await attested(t);
  const changed = { secureBoot: 'off', commandLine: `${PRESENT.commandLine} init=/bin/sh` } as const;
  const after = await rebooted(agent, simulatedEventLog(changed));
  const findings = await after.findings();
  assert.deepEqual(findings.map(({ code, severity, sentence }) => `${code} ${severity} ${sentence}`).toSorted(), [
    'BOOT-COMMAND-LINE warning The kernel command line of web-03 has now init=/bin/sh.',
    'BOOT-SECUREBOOT warning Secure Boot of web-03 is off, and was on in the boot before.',
  ]);
  assert.deepEqual([(await after.detail()).verdict, (await bootOf(verifier)).secureBoot?.state], ['warning', 'off']);
  await after.capture();
  assert.equal((await after.findings()).length, 2, 'reference values say nothing of how a host starts');
  for (const { id } of findings) {
    const resolved = await post(verifier, route(ROUTES.findingResolution, id), TOKENS.operator, {
      reason: 'was wanted',
    });
    assert.equal(resolved.status, 200, resolved.text);
  }
  assert.deepEqual([await codes(after), (await after.detail()).verdict], [[], 'trusted']);
  const again = await rebooted(after, simulatedEventLog(changed));
  assert.deepEqual(await codes(again), []);
});

test('a log of another boot is a failure of the boot, which no capture ends and a boot with its own log does', async (t) => {
  const { verifier, agent } = await attested(t);
  const wrong = simulatedEventLog({ ...PRESENT, secureBoot: 'off' });
  const after = agent.on(await agent.host.reboot({ eventLog: wrong }));
  for (let tries = 0; tries < 4 && (await after.attest()).challenge.eventLog !== true; tries++);
  const { challenge } = after;
  const liar = await SimulatedHost.boot({ name: 'web-03', eventLog: simulatedEventLog(PRESENT) });
  assert.ok(liar.eventLog !== undefined);
  // The agent binds and signs what root of the host gave it.
  const message = await after.host.evidence(challenge, liar.eventLog);
  assert.equal((await after.send(message)).verified, true);
  const [finding, ...others] = await after.findings();
  assert.deepEqual([finding?.code, finding?.severity, others], ['BOOT-EVENTLOG', 'failed', []]);
  assert.match(finding?.sentence ?? '', /does not lead to the quoted value of PCR 7 of sha256/);
  await after.capture();
  const path = route(ROUTES.findingResolution, finding?.id ?? '');
  assert.equal(refusal(await post(verifier, path, TOKENS.operator, { reason: 'I say so' })), '409 FINDING-SHOWN');
  const shown = await bootOf(verifier);
  assert.deepEqual([shown.log.state, shown.secureBoot, shown.commandLine], ['refused', null, null]);
  assert.deepEqual(
    shown.pcrs.filter(({ state }) => state === 'differs').map(({ pcr }) => pcr),
    [7],
  );
  assert.ok(shown.events.every(({ proved }) => !proved));
  const good = await rebooted(after, simulatedEventLog(PRESENT));
  assert.deepEqual(await codes(good), []);
});

test('a log that cannot be read is a failure of the boot, told with the place', async (t) => {
  const { verifier, agent } = await attested(t);
  const cut = agent.on(await agent.host.reboot({ eventLog: simulatedEventLog() }));
  for (let tries = 0; tries < 4 && (await cut.attest()).challenge.eventLog !== true; tries++);
  await cut.send(await cut.host.evidence(cut.challenge, simulatedEventLog().subarray(0, 1000)));
  const [cutOff] = await cut.findings();
  assert.match(cutOff?.sentence ?? '', /cannot be read: event \d+ at offset \d+/);
  const { log, events } = await bootOf(verifier);
  assert.deepEqual([log.state, events], ['refused', []]);
});

test('a log that does not speak for the quoted bank, as old firmware writes it, is a warning that somebody can end', async (t) => {
  const verifier = await service(t);
  const old = sha1Record(4, 5, utf8('Calling INT 19h'));
  const agent = await enrol(verifier, await SimulatedHost.boot({ name: 'web-03', eventLog: old }));
  await agent.attest();
  const [finding] = await agent.findings();
  assert.deepEqual([finding?.code, finding?.severity], ['BOOT-EVENTLOG', 'warning']);
  assert.equal((await bootOf(verifier)).log.state, 'refused');
  const path = route(ROUTES.findingResolution, finding?.id ?? '');
  assert.equal((await post(verifier, path, TOKENS.operator, { reason: 'its firmware is of 2014' })).status, 200);
  assert.deepEqual(await codes(agent), []);
});

test('a host without a log says so, and one whose log comes no more is told of', async (t) => {
  const { verifier, agent } = await attested(t);
  const without = agent.on(await agent.host.reboot());
  for (let tries = 0; tries < 4 && (await without.attest()).challenge.eventLog !== true; tries++);
  await without.send(await without.host.evidence(without.challenge, 'unreadable'));
  const [finding] = await without.findings();
  assert.deepEqual([finding?.code, finding?.severity], ['BOOT-EVENTLOG', 'warning']);
  assert.match(finding?.sentence ?? '', /does not come any more, as it did in the boot before/);
  const { log, pcrs, secureBoot } = await bootOf(verifier);
  assert.deepEqual([log.state, log.missing, secureBoot], ['missing', 'unreadable', null]);
  assert.equal(pcrs.length, 16);

  const other = await enrol(verifier, await SimulatedHost.boot({ name: 'web-04' }));
  await other.attest();
  const boot = content(await call(verifier, route(ROUTES.boot, 'web-04')), HostBoot);
  assert.deepEqual([boot.log.state, boot.pcrs.length, boot.pcrs[0]?.state], ['not-sent', 16, 'no-log']);
  assert.equal((await other.send(await other.host.evidence(other.challenge, 'none'))).challenge.eventLog, undefined);
  assert.deepEqual([(await other.findings()).length, (await other.detail()).verdict], [0, 'unverified']);
});

test('a log that was exchanged on the way is refused with all of the evidence', async (t) => {
  const verifier = await service(t);
  const agent = await enrol(
    verifier,
    await SimulatedHost.boot({ name: 'web-03', eventLog: simulatedEventLog(PRESENT) }),
  );
  const message = await agent.host.evidence(agent.challenge);
  assert.ok(message.eventLog !== undefined);
  const other = toBase64(simulatedEventLog({ ...PRESENT, commandLine: '/vmlinuz-6.12 quiet' }));
  const reply = await agent.send({ ...message, eventLog: { bytes: other } });
  assert.deepEqual(
    reply.errors.map(({ code }) => code),
    ['QUOTE-NONCE'],
  );
});

test('when PCRs of the boot change later, the log is asked for again, and no longer explains them', async (t) => {
  const { verifier, agent } = await attested(t);
  await agent.host.tpm.extendPcr(4, new Map([['sha256', new Uint8Array(32).fill(4)]]));
  const reply = await attestAgain(agent);
  assert.equal(reply.verified, true);
  assert.deepEqual([await codes(agent), (await bootOf(verifier)).log.state], [['BOOT-EVENTLOG'], 'refused']);
});

test('what is downloaded has the log of the boot, and what the quote is bound to', async (t) => {
  const { verifier, agent } = await attested(t);
  const bundle = async (): Promise<EvidenceBundle> =>
    content(await call(verifier, route(ROUTES.proof, 'web-03')), EvidenceBundle);
  assert.deepEqual(
    [(await bundle()).bound, (await bundle()).eventLog],
    ['event-log', toBase64(simulatedEventLog(PRESENT))],
  );
  await agent.attest();
  assert.deepEqual(
    [(await bundle()).bound, (await bundle()).eventLog],
    [undefined, toBase64(simulatedEventLog(PRESENT))],
  );
});

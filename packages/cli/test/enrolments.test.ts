import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { swtpmAvailable } from '@assay/testkit/swtpm';
import { EnrolmentList, RegisteredKeyList } from '@assay/wire';
import { distinguishedName, mintAuthority } from '@assay/testkit/certificates';
import { assay, assertFails, documentIn, launch, scratch, UNSAFE, type Ended } from './assay.ts';
import { end, Host, Service } from './machines.ts';
import { eventually } from './up.ts';

const swtpm = swtpmAvailable();
const skip = 'missing' in swtpm ? `swtpm is missing: ${swtpm.missing}` : false;

/** A command about enrolments, as whoever has the state directory of the verifier. */
function asking(service: Service): (...words: string[]) => Promise<Ended> {
  return (...words) => assay([...words, '--url', service.url, '--state', service.state]);
}

function agentWords(host: Host, service: Service, ...more: readonly string[]): string[] {
  const where = [
    '--tpm',
    `swtpm:${host.socket}`,
    '--list',
    `kernel:${host.kernel}`,
    '--state',
    join(host.directory, 'agent'),
  ];
  return ['--verifier', service.url, '--name', 'web-03', ...where, ...more];
}

test('enrolments: a machine that wants the name of another waits and says so, until it is approved', {
  skip,
}, async (t) => {
  const [first, second] = [await new Host(t).on(), await new Host(t).on()];
  const service = await new Service(t).start();
  const ask = asking(service);
  const token = ['--join-token-file', service.joinToken];
  const none = await ask('enrolments', 'list');
  assert.deepEqual([none.code, none.stdout], [0, 'No machine waits for a decision.\n']);
  const enrolled = await assay(['agent', 'enrol', ...agentWords(first, service, ...token)]);
  assert.equal(enrolled.code, 0, enrolled.stderr);
  await assertFails(['agent', 'enrol', ...agentWords(second, service, ...token)], { exit: 1, code: 'ENROLMENT-WAITS' });

  const agent = launch(['agent', 'run', ...agentWords(second, service, ...token), '-o', 'jsonl']);
  t.after(() => end(agent, 'SIGKILL'));
  await eventually('its status says that it waits', async () => {
    const status = await assay(['agent', 'status', '--state', join(second.directory, 'agent')]);
    return (
      /^agent +runs, waiting\nenrolled +no\n/.test(status.stdout) &&
      /\nproblem +ENROLMENT-WAITS: E-1 /.test(status.stdout)
    );
  });
  const listed = await ask('enrolments', 'list');
  assert.equal(listed.code, 1);
  assert.match(listed.stdout, /^ID .*\nE-1 +web-03 +waits +\d+ s ago +first-use +HOST-DUPLICATE\n$/);
  const shown = await ask('enrolments', 'show', 'E-1');
  assert.match(shown.stdout, /HOST-DUPLICATE +The name web-03 belongs to host [0-9a-f]{16}/);
  assert.ok(!UNSAFE.test(shown.stdout));
  const approved = await ask('enrolments', 'approve', 'E-1', '--note', 'new mainboard');
  assert.deepEqual(
    [approved.code, approved.stdout],
    [0, 'E-1 is approved: web-03 comes when its agent asks again\n'],
    approved.stderr,
  );
  await eventually('it is a host', async () => {
    const list = EnrolmentList.parse(documentIn(await ask('enrolments', 'list', '--only', 'all', '-o', 'json')));
    return list.enrolments[0]?.enrolledAt !== null;
  });
  await service.hasEntries('web-03', 1);
  const late = await ask('enrolments', 'refuse', 'E-1');
  assert.deepEqual([late.code, /ENROLMENT-OVER/.test(late.stderr)], [1, true], late.stderr);

  const labelled = await ask('hosts', 'label', 'web-03', 'role=web', 'site=berlin');
  assert.equal(labelled.stdout, 'web-03  role=web site=berlin\n', labelled.stderr);
  const changed = await ask('hosts', 'label', 'web-03', 'site-', 'tier=', '-o', 'json');
  assert.deepEqual(documentIn(changed), {
    schema: 'assay.host-labels.v1',
    host: 'web-03',
    labels: { role: 'web', tier: '' },
  });
  assert.match((await ask('hosts', 'get', 'web-03')).stdout, /^labels: role=web tier=$/m);
  for (const wrong of [['role'], ['-'], ['=web'], ['Role=web'], ['role=two words'], ['role=a', 'role-']]) {
    assert.equal((await ask('hosts', 'label', 'web-03', '--', ...wrong)).code, 2, wrong.join(' '));
  }

  const removed = await ask('hosts', 'remove', 'web-03');
  assert.match(removed.stdout, /^web-03 \([0-9a-f]{16}\) is removed/, removed.stderr);
  const audit = await ask('audit', 'show');
  for (const action of ['enrolment.approve', 'host.enrol', 'host.remove'])
    assert.ok(audit.stdout.includes(action), action);
});

test('enrolments: a registered key enrols without a token where all others wait, and renews its attestation key', {
  skip,
}, async (t) => {
  const host = await new Host(t).on();
  const service = await new Service(t).start('--approve-enrolments', 'all');
  const ask = asking(service);
  const token = ['--join-token-file', service.joinToken];
  await assertFails(['agent', 'enrol', ...agentWords(host, service, ...token)], { exit: 1, code: 'ENROLMENT-WAITS' });
  const waiting = EnrolmentList.parse(documentIn(await ask('enrolments', 'list', '-o', 'json'))).enrolments[0];
  assert.equal((await ask('enrolments', 'refuse', 'E-1')).stdout, 'E-1 is refused: web-03 stays out\n');
  await assertFails(['agent', 'enrol', ...agentWords(host, service, ...token)], { exit: 5, code: 'ENROLMENT-REFUSED' });
  const digest = waiting?.ekDigest ?? '';
  const registered = await ask('enrolments', 'register', digest, '--name', 'web-04');
  assert.equal(registered.stdout, `${digest} is registered for web-04\n`, registered.stderr);
  assert.match(
    (await ask('enrolments', 'keys')).stdout,
    new RegExp(`\\n${digest} +web-04 +\\d+ s ago by built-in-operator`),
  );
  const enrol = (...more: string[]) =>
    assay(['agent', 'enrol', ...agentWords(host, service), '--name', 'web-04', ...more]);
  const enrolled = await enrol();
  assert.match(enrolled.stdout, /^web-04 is enrolled as host /, enrolled.stderr);
  assert.match((await ask('hosts', 'get')).stdout, / software, registered /);
  const renewed = await enrol('--renew-key');
  assert.equal(renewed.stdout, enrolled.stdout, renewed.stderr);
  const gone = await ask('enrolments', 'unregister', digest);
  assert.equal(gone.stdout, `${digest} is registered no longer\n`);
  assert.equal((await ask('enrolments', 'keys')).stdout, 'No key is registered.\n');
  const again = await enrol('--renew-key');
  assert.equal(again.code, 0, 'its own token suffices');
});

test('enrolments: keys come from certificates too, and what is none is refused by name', async (t) => {
  const service = await new Service(t).start();
  const ask = asking(service);
  const file = join(scratch(t), 'ek.der');
  writeFileSync(file, mintAuthority('EK').certificate.raw);
  const list = RegisteredKeyList.parse(
    documentIn(await ask('enrolments', 'register', file, '--note', 'shelf 3', '-o', 'json')),
  );
  assert.deepEqual([list.keys.length, list.keys[0]?.note, list.keys[0]?.name], [1, 'shelf 3', null]);
  writeFileSync(file, distinguishedName());
  assert.equal((await ask('enrolments', 'register', file)).code, 3);
  assert.equal((await ask('enrolments', 'register', join(file, 'none'))).code, 3);
  const words = [`sha256:${'0'.repeat(64)}`, `sha256:${'1'.repeat(64)}`, '--name', 'web-03'];
  assert.match((await ask('enrolments', 'register', ...words)).stderr, /--name is for one key, and these are 2/);
  for (const wrong of [
    ['approve', 'F-1'],
    ['show', 'E-0'],
    ['unregister', 'sha256:00'],
    ['list', '--only', 'x'],
  ]) {
    assert.equal((await ask('enrolments', ...wrong)).code, 2, wrong.join(' '));
  }
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { ActivateReply, EnrolReply, ROUTES, route } from '@assay/wire';
import { SimulatedHost } from '@assay/testkit/evidence';
import { SimulatedTpm } from '@assay/testkit/tpm';
import { browserMissing, newPage } from './browser.ts';
import { assertAccessible, assertClean, takePicture } from './checks.ts';
import { failedHost, TOKENS, trustedHost, verifierFor, verifierOptions } from './fleet.ts';
import { patientVerifier, post, tokenOf } from './people.ts';

const options = { skip: browserMissing };

test('a host is enrolled with a token that the page made, and appears', options, async (t) => {
  const verifier = await patientVerifier(t);
  await trustedHost(t, verifier, 'web-01');
  const { page, record } = await newPage(t);
  await page.goto(`${verifier.url}/enrol#token=${TOKENS.operator}`);
  await page.getByText('No machine waits for a decision.').waitFor();
  await page.getByText(`assay agent run --verifier ${verifier.url}`).waitFor();
  await page.getByLabel('For whom').fill('rack-7');
  await page.getByRole('button', { name: 'Make a join token' }).click();
  await page.getByText('The join token of rack-7.').waitFor();
  const made = page.getByRole('region', { name: 'A token for new hosts' }).locator('code').first();
  const join = (await made.textContent()) ?? '';
  assert.match(join, /^[\w-]{20,}$/);
  await assertAccessible(page);

  const host = await SimulatedHost.boot({ name: 'new-01' });
  t.after(() => host.tpm.close());
  const begun = EnrolReply.parse(await post(verifier, ROUTES.enrol, join, await host.enrolRequest()));
  const secret = await host.openCredential(begun);
  ActivateReply.parse(await post(verifier, route(ROUTES.activate, begun.enrolment), join, { secret }));
  await page.getByText('1 host enrolled without evidence so far').waitFor();
  await page.getByRole('link', { name: 'Hosts' }).first().click();
  await page.getByRole('link', { name: 'new-01' }).waitFor();
  assertClean(record, verifier.url);
});

test('a machine with the name of a host waits, and somebody lets it in by its key', options, async (t) => {
  const verifier = await patientVerifier(t);
  await trustedHost(t, verifier, 'web-01');
  const arno = await tokenOf(verifier, 'arno', 'approver');
  const { page, record } = await newPage(t);
  await page.goto(`${verifier.url}/enrol#token=${arno}`);
  await page.getByText('No machine waits for a decision.').waitFor();

  const other = await SimulatedHost.boot({ name: 'web-01', chip: new SimulatedTpm() });
  t.after(() => other.tpm.close());
  const begun = EnrolReply.parse(await post(verifier, ROUTES.enrol, TOKENS.join, await other.enrolRequest()));
  const secret = await other.openCredential(begun);
  const activation = route(ROUTES.activate, begun.enrolment);
  await assert.rejects(post(verifier, activation, TOKENS.join, { secret }), /ENROLMENT-WAITS/);
  await page.getByText('1 machine waits for a decision').waitFor();
  const card = page.locator('[data-enrolment="E-1"]');
  await card.getByText(/which has another endorsement key/).waitFor();
  await takePicture(page, 'journey-enrolment');
  await card.getByRole('button', { name: 'Approve' }).click();
  const dialog = page.getByRole('dialog', { name: 'Approve web-01?' });
  await dialog.getByLabel('Note').fill('its TPM was replaced');
  await assertAccessible(page);
  await dialog.getByRole('button', { name: 'Approve' }).click();
  await page.getByText('No machine waits for a decision.').waitFor();
  await page.getByRole('link', { name: 'Show decided ones too' }).click();
  await page.getByText('arno: its TPM was replaced').waitFor();
  assertClean(record, verifier.url);
});

test('the chain of the audit log is followed in the page, and a changed entry breaks it', options, async (t) => {
  const verifierOptionsHere = verifierOptions(t);
  const verifier = await verifierFor(t, verifierOptionsHere);
  await trustedHost(t, verifier, 'web-01');
  await tokenOf(verifier, 'arno', 'approver');
  const { page, record } = await newPage(t);
  await page.goto(`${verifier.url}/audit#token=${TOKENS.operator}`);
  await page.getByText('Unbroken').waitFor();
  await page.getByRole('link', { name: 'token.create' }).click();
  const entry = page.getByRole('region', { name: /^Entry \d+$/ });
  await entry.getByText('"role": "approver"').waitFor();
  assert.match(page.url(), /entry=\d+/);
  await page.getByRole('searchbox').fill('nobody did this');
  await page.getByText('No entry says that').waitFor();

  const file = verifierOptionsHere.store.slice('sqlite:'.length);
  const database = new DatabaseSync(file, { timeout: 10_000 });
  database.exec("update audit set actor = 'somebody' where seq = 2");
  database.close();
  await page.reload();
  await page.getByRole('alert').getByText('At entry 2').waitFor();
  await assertAccessible(page);
  assertClean(record, verifier.url);
});

test('without a token the audit log says what it needs, and where to give it', options, async (t) => {
  const verifier = await patientVerifier(t);
  const { page } = await newPage(t);
  await page.goto(`${verifier.url}/audit`);
  await page.getByRole('alert').waitFor();
  await page.getByRole('alert').getByRole('button').first().waitFor();
  await assertAccessible(page);
});

test('an alert leads to its findings, and health to what it counts', options, async (t) => {
  const verifier = await patientVerifier(t);
  await failedHost(t, verifier, 'web-01');
  const { page, record } = await newPage(t);
  await page.goto(`${verifier.url}/health`);
  await page.getByText('In time').waitFor();
  await page.getByText('POST /v1/agent/evidence').waitFor();
  await page.getByRole('link', { name: /^1, 0 messages on the way$/ }).click();
  await page.getByRole('link', { name: /was measured/ }).click();
  await page.getByText('1 cause, 1 finding').waitFor();
  assert.match(page.url(), /\/findings\?code=IMA-/);
  await page.getByRole('link', { name: /was measured/ }).click();
  await page.getByRole('link', { name: 'web-01' }).first().click();
  await page.getByRole('heading', { name: 'Failed' }).waitFor();
  assertClean(record, verifier.url);
});

test('an operator changes the labels of a host, and the table of hosts is filtered by them', options, async (t) => {
  const verifier = await patientVerifier(t);
  await trustedHost(t, verifier, 'web-01');
  await trustedHost(t, verifier, 'web-02');
  const { page, record } = await newPage(t);
  await page.goto(`${verifier.url}/hosts/web-01?tab=identity#token=${TOKENS.operator}`);
  const changed = async (text: string): Promise<void> => {
    await page.getByRole('button', { name: 'Change labels' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Labels').fill(text);
    await assertAccessible(page);
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
  };
  await changed('role=web  site=berlin');
  await page.getByRole('link', { name: 'site=berlin' }).waitFor();
  await changed('role=web rack=7');
  await page.getByRole('link', { name: 'site=berlin' }).waitFor({ state: 'detached' });
  await page.getByRole('link', { name: 'rack=7' }).click();
  await page.getByText('1 of 2 hosts').waitFor();
  await page.getByRole('combobox', { name: 'Filter by label' }).selectOption('');
  await page.getByText('2 hosts', { exact: true }).waitFor();
  await page.getByRole('combobox', { name: 'Filter by label' }).selectOption('role=web');
  await page.getByText('1 of 2 hosts').waitFor();
  assert.match(page.url(), /label=role%3Dweb/);
  await takePicture(page, 'hosts-by-label');
  await assertAccessible(page);
  assertClean(record, verifier.url);
});

test('an operator sends a test to where alerts go, and sees what came of it', options, async (t) => {
  const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
  const hook = { type: 'webhook', payload: 'assay', secret, minimum: 'warning' } as const;
  const receiver = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.writeHead(204).end());
  }).listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  t.after(() => receiver.close());
  const address = receiver.address();
  assert.ok(typeof address === 'object' && address !== null);
  const verifier = await verifierFor(t, {
    alertSinks: [
      { ...hook, name: 'pager', url: `http://127.0.0.1:${address.port}/` },
      { ...hook, name: 'dead', url: 'http://127.0.0.1:9/' },
    ],
  });
  const { page, record } = await newPage(t);
  await page.goto(`${verifier.url}/alerts#token=${TOKENS.operator}`);
  await page.getByRole('button', { name: 'Send a test to pager' }).click();
  await page.getByText('Test arrived').waitFor();
  await page.getByRole('button', { name: 'Send a test to dead' }).click();
  await page.getByText('Test failed').waitFor();
  await takePicture(page, 'alert-sinks');
  await assertAccessible(page);
  assertClean(record, verifier.url);
});

test('keys lead to every page, and the palette knows them', options, async (t) => {
  const verifier = await patientVerifier(t);
  await trustedHost(t, verifier, 'web-01');
  const { page, record } = await newPage(t);
  await page.goto(`${verifier.url}/policies`);
  await page.getByText('No policy yet').waitFor();
  for (const [keys, title] of [
    ['gi', 'Findings'],
    ['gm', 'Measurements'],
    ['gd', 'Digests'],
    ['gp', 'Policies'],
    ['gk', 'IMA policy'],
    ['ge', 'Enrol'],
    ['ga', 'Alerts'],
    ['gw', 'Health'],
  ] as const) {
    for (const key of keys) await page.keyboard.press(key);
    await page.getByRole('heading', { level: 1, name: title, exact: true }).waitFor();
    await page.locator('h1').click();
  }
  assertClean(record, verifier.url);
});

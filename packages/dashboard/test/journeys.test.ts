import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browserMissing, newPage } from './browser.ts';
import { assertAccessible, assertClean } from './checks.ts';
import { failedHost, LiveHost, PROGRAMS, TAMPERED, TOKENS, trustedHost, unverifiedHost, verifierFor } from './fleet.ts';

const options = { skip: browserMissing };

test('a host goes from nothing to trusted to failed before the eyes, without a reload', options, async (t) => {
  const verifier = await verifierFor(t);
  const { page, record } = await newPage(t);
  await page.goto(`${verifier.url}/#token=${TOKENS.operator}`);
  await page.getByRole('heading', { name: 'No host yet' }).waitFor();
  const host = await LiveHost.enrol(t, verifier, 'web-03');
  await page.getByRole('heading', { name: 'Pending' }).waitFor();
  await host.execute(...PROGRAMS);
  await host.attest();
  await page.getByRole('heading', { name: 'Unverified' }).waitFor();
  await page.locator('[data-entry="5"][data-status="unjudged"]').waitFor();

  await page.getByRole('button', { name: 'Capture as reference values' }).click();
  const dialog = page.getByRole('dialog', { name: 'Capture as reference values?' });
  await dialog.getByText('becomes the good state').waitFor();
  await assertAccessible(page);
  await dialog.getByRole('button', { name: 'Capture', exact: true }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByRole('heading', { name: 'Trusted' }).waitFor();
  await page.locator('[data-entry="5"][data-status="known"]').waitFor();

  await host.execute(TAMPERED);
  await host.attest();
  await page.getByRole('heading', { name: 'Failed' }).waitFor();
  await page.getByRole('article').getByRole('heading', { name: TAMPERED }).waitFor();
  await page.locator('[data-entry="6"][data-status="unknown"].arrived').waitFor();
  await page.getByRole('status').filter({ hasText: 'web-03: Failed' }).waitFor({ state: 'attached' });
  assert.equal(await page.title(), 'Failed · web-03 · Assay');
  assertClean(record, verifier.url);
});

test('the token leaves the address bar, outlives a reload and not the tab', options, async (t) => {
  const verifier = await verifierFor(t);
  await unverifiedHost(t, verifier, 'web-03');
  const { page } = await newPage(t);
  await page.goto(`${verifier.url}/#token=${TOKENS.operator}`);
  const button = page.getByRole('button', { name: 'Capture as reference values' });
  await button.waitFor();
  assert.equal(page.url(), `${verifier.url}/?host=web-03`);
  await page.reload();
  await button.waitFor();
  const other = await page.context().newPage();
  await other.goto(verifier.url);
  await other.getByText('assay reference capture --host web-03').waitFor();
  assert.equal(await other.getByRole('button', { name: 'Capture as reference values' }).count(), 0);
});

test('a wrong token is refused in words, captures nothing, and gives way to the command', options, async (t) => {
  const verifier = await verifierFor(t);
  await unverifiedHost(t, verifier, 'web-03');
  const { page } = await newPage(t);
  await page.goto(`${verifier.url}/#token=wrong`);
  await page.getByRole('button', { name: 'Capture as reference values' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Capture', exact: true }).click();
  await page.getByText(/token was refused/).waitFor();
  await page.getByText('assay reference capture --host web-03').waitFor();
  await page.getByRole('heading', { name: 'Unverified' }).waitFor();
});

test('the dialog says how many findings a capture would accept, and can be left by Escape', options, async (t) => {
  const verifier = await verifierFor(t);
  await failedHost(t, verifier, 'web-03');
  const { page } = await newPage(t);
  await page.goto(`${verifier.url}/#token=${TOKENS.operator}`);
  const button = page.getByRole('button', { name: 'Capture as reference values' });
  await button.click();
  await page.getByRole('dialog').getByText('1 open finding').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.getByRole('heading', { name: 'Failed' }).waitFor();
});

test('a capture closes the findings that it accepts', options, async (t) => {
  const verifier = await verifierFor(t);
  const host = await failedHost(t, verifier, 'web-03');
  const { page } = await newPage(t);
  await page.goto(verifier.url);
  await page.getByRole('article').waitFor();
  await host.capture();
  await page.getByRole('heading', { name: 'Trusted' }).waitFor();
  await page.getByRole('article').waitFor({ state: 'detached' });
  await page.getByText('1 finding closed earlier').waitFor();
});

test('of several hosts the worst is shown first, and the address names the one that is chosen', options, async (t) => {
  const verifier = await verifierFor(t);
  await trustedHost(t, verifier, 'alpha');
  await failedHost(t, verifier, 'beta');
  await unverifiedHost(t, verifier, 'gamma');
  const { page } = await newPage(t);
  await page.goto(verifier.url);
  await page.getByRole('heading', { level: 1, name: 'beta Failed' }).waitFor();
  const hosts = page.getByRole('navigation', { name: 'Hosts' });
  assert.deepEqual(await hosts.getByRole('link').allInnerTexts(), [
    'alpha\nTrusted',
    'beta\nFailed',
    'gamma\nUnverified',
  ]);
  await hosts.getByRole('link', { name: 'gamma' }).click();
  await page.getByRole('heading', { level: 1, name: 'gamma Unverified' }).waitFor();
  assert.equal(new URL(page.url()).search, '?host=gamma');
  await page.goBack();
  await page.getByRole('heading', { level: 1, name: 'beta Failed' }).waitFor();
  await page.goto(`${verifier.url}/?host=nobody`);
  await page.getByRole('heading', { name: 'No host is called nobody' }).waitFor();
});

test('the page stays with its host when another one gets worse', options, async (t) => {
  const verifier = await verifierFor(t);
  await trustedHost(t, verifier, 'alpha');
  const beta = await trustedHost(t, verifier, 'beta');
  const { page } = await newPage(t);
  await page.goto(verifier.url);
  await page.getByRole('heading', { level: 1, name: 'alpha Trusted' }).waitFor();
  await beta.execute(TAMPERED);
  await beta.attest();
  await page.getByRole('link', { name: 'beta Failed' }).waitFor();
  await page.getByRole('heading', { level: 1, name: 'alpha Trusted' }).waitFor();
});

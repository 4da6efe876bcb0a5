import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browserMissing, newPage } from './browser.ts';
import { LiveHost, TAMPERED, trustedHost, verifierFor } from './fleet.ts';

const options = { skip: browserMissing };
const MANY = 1200;

test('a long list is whole, newest first, with few rows in the document', options, async (t) => {
  const verifier = await verifierFor(t);
  const host = await LiveHost.enrol(t, verifier, 'web-03');
  await host.execute(...Array.from({ length: MANY }, (_, n) => `/usr/bin/program-${n}`));
  await host.attest();
  const { page } = await newPage(t);
  await page.goto(verifier.url);
  const rows = page.locator('[data-entry]');
  await rows.first().waitFor();
  assert.equal(await rows.first().getAttribute('data-entry'), String(MANY + 1));
  assert.ok((await rows.count()) < 60, `${await rows.count()} rows`);
  await rows.first().getByRole('button').focus();
  await page.keyboard.press('End');
  await page.locator('[data-entry="1"] > button:focus').waitFor();
  assert.equal(await page.locator('[data-entry="1"]').getAttribute('data-status'), 'boot-aggregate');
  await page.keyboard.press('ArrowUp');
  await page.locator('[data-entry="2"] > button:focus').waitFor();
});

test('entries are found by path, digest, number and status', options, async (t) => {
  const verifier = await verifierFor(t);
  const host = await trustedHost(t, verifier, 'web-03');
  await host.execute(TAMPERED);
  await host.attest();
  const { page } = await newPage(t);
  await page.goto(verifier.url);
  const rows = page.locator('[data-entry]');
  const shown = () => rows.evaluateAll((all) => all.map((row) => row.getAttribute('data-entry')));
  const filter = page.getByRole('searchbox');
  await filter.fill('SSHD');
  assert.deepEqual(await shown(), ['4']);
  await filter.fill('6');
  await page.locator('[data-entry="6"]').waitFor();
  const digest = await page.locator('[data-entry="6"] code').getAttribute('title');
  await filter.fill(digest?.slice('sha256:'.length) ?? 'no digest');
  assert.deepEqual(await shown(), ['6']);
  await filter.fill('never ran');
  await page.getByText('it was never measured in this boot').waitFor();
  await filter.fill('');
  await page.getByRole('group', { name: 'Filter by status' }).getByRole('button', { name: 'Unknown' }).click();
  assert.deepEqual(await shown(), ['6']);
});

test('a row opens by the keyboard to full digests, which can be copied', options, async (t) => {
  const verifier = await verifierFor(t);
  await trustedHost(t, verifier, 'web-03');
  const { page } = await newPage(t, { permissions: ['clipboard-read', 'clipboard-write'] });
  await page.goto(verifier.url);
  const row = page.locator('[data-entry="5"]');
  await row.getByRole('button').focus();
  await page.keyboard.press('Enter');
  await row.getByRole('button', { name: 'Copy digest' }).click();
  await row.getByText('Copied').waitFor();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(copied, /^sha256:[0-9a-f]{64}$/);
  assert.equal(await row.locator('code').first().getAttribute('title'), copied);
});

test('rows that just arrived are marked for a moment, without movement for who wants none', options, async (t) => {
  const verifier = await verifierFor(t);
  const host = await trustedHost(t, verifier, 'web-03');
  const { page } = await newPage(t, { reducedMotion: 'reduce' });
  await page.goto(verifier.url);
  await page.locator('[data-entry="5"]').waitFor();
  assert.equal(await page.locator('.arrived').count(), 0);
  await host.execute(TAMPERED);
  await host.attest();
  const arrived = page.locator('[data-entry="6"].arrived');
  await arrived.waitFor();
  assert.equal(await arrived.evaluate((row) => row.getAnimations().length), 0);
  await arrived.waitFor({ state: 'detached' });
});

test('after a reboot the list is that of the new boot', options, async (t) => {
  const verifier = await verifierFor(t);
  const host = await trustedHost(t, verifier, 'web-03');
  const { page } = await newPage(t);
  await page.goto(verifier.url);
  await page.locator('[data-entry="5"]').waitFor();
  const rebooted = await host.reboot(t);
  await rebooted.execute('/usr/bin/bash', '/usr/sbin/sshd', TAMPERED);
  await rebooted.attest();
  await page.locator('[data-entry="4"]').getByTitle(TAMPERED).waitFor();
  await page.locator('[data-entry="5"]').waitFor({ state: 'detached' });
  await page.getByText('Reset 2, restart 0').waitFor();
});

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
  assert.equal(page.url(), `${verifier.url}/hosts/web-03`);
  await page.reload();
  await button.waitFor();
  const other = await page.context().newPage();
  await other.goto(verifier.url);
  await other.getByText(/^assay reference capture .*--host web-03/).waitFor();
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
  await page.getByText(/^assay reference capture .*--host web-03/).waitFor();
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

test('the fleet is counted by verdict, and each number leads to its hosts', options, async (t) => {
  const verifier = await verifierFor(t);
  await trustedHost(t, verifier, 'alpha');
  await failedHost(t, verifier, 'beta');
  await unverifiedHost(t, verifier, 'gamma');
  const { page, record } = await newPage(t);
  await page.goto(verifier.url);
  await page.getByRole('list', { name: 'Hosts by verdict' }).getByRole('link', { name: '1 Failed' }).click();
  await page.getByRole('grid', { name: 'Hosts' }).getByRole('link', { name: 'beta' }).waitFor();
  assert.equal(new URL(page.url()).search, '?verdict=failed');
  assert.equal(await page.getByRole('grid').getByRole('link').count(), 1);
  await page.getByRole('grid').getByRole('link', { name: 'beta' }).click();
  await page.getByRole('heading', { level: 1, name: 'beta Failed' }).waitFor();
  await page.goBack();
  await page.goBack();
  await page.getByRole('heading', { level: 1, name: 'Fleet' }).waitFor();
  assertClean(record, verifier.url);
});

test('a fleet of one opens at its host, and the menu leads to the fleet all the same', options, async (t) => {
  const verifier = await verifierFor(t);
  await trustedHost(t, verifier, 'alpha');
  const { page } = await newPage(t);
  await page.goto(verifier.url);
  await page.getByRole('heading', { level: 1, name: 'alpha Trusted' }).waitFor();
  assert.equal(new URL(page.url()).pathname, '/hosts/alpha');
  await page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Fleet' }).click();
  await page.getByRole('heading', { level: 1, name: 'Fleet' }).waitFor();
  await page.reload();
  await page.getByRole('heading', { level: 1, name: 'Fleet' }).waitFor();
});

test('an address of the time when there was one page leads to its host', options, async (t) => {
  const verifier = await verifierFor(t);
  await trustedHost(t, verifier, 'alpha');
  const { page } = await newPage(t);
  await page.goto(`${verifier.url}/?host=alpha`);
  await page.getByRole('heading', { level: 1, name: 'alpha Trusted' }).waitFor();
});

test('the page stays with its host when another one gets worse, and the table shows it', options, async (t) => {
  const verifier = await verifierFor(t);
  await trustedHost(t, verifier, 'alpha');
  const beta = await trustedHost(t, verifier, 'beta');
  const { page } = await newPage(t);
  await page.goto(`${verifier.url}/hosts/alpha`);
  await page.getByRole('heading', { level: 1, name: 'alpha Trusted' }).waitFor();
  const table = await page.context().newPage();
  await table.goto(`${verifier.url}/hosts?q=beta`);
  await table.getByRole('row', { name: /beta Trusted/ }).waitFor();
  await beta.execute(TAMPERED);
  await beta.attest();
  await table.getByRole('row', { name: /beta Failed/ }).waitFor();
  await page.getByRole('heading', { level: 1, name: 'alpha Trusted' }).waitFor();
});

test('the keyboard alone leads to a host, to help and to the other theme', options, async (t) => {
  const verifier = await verifierFor(t);
  await trustedHost(t, verifier, 'alpha');
  await failedHost(t, verifier, 'beta');
  const { page } = await newPage(t, { colorScheme: 'light' });
  await page.goto(verifier.url);
  await page.getByRole('heading', { level: 1, name: 'Fleet' }).waitFor();
  await page.keyboard.press('g');
  await page.keyboard.press('h');
  await page.getByRole('heading', { level: 1, name: 'Hosts' }).waitFor();
  await page.keyboard.press('/');
  await page.locator('input[type=search]:focus').fill('beta');
  await page.waitForURL(/q=beta/);
  await page.getByRole('searchbox').press('Escape');
  await page.keyboard.press('Control+k');
  const find = page.getByRole('combobox');
  await find.fill('alph');
  await page.getByRole('option', { name: /alpha/ }).waitFor();
  await assertAccessible(page);
  await find.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'alpha Trusted' }).waitFor();
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).getByText('Switch between light and dark').waitFor();
  await assertAccessible(page);
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  await page.keyboard.press('t');
  await page.locator('html[data-theme=dark]').waitFor({ state: 'attached' });
});

test('a token is taken by the dialog as well, and forgotten by it', options, async (t) => {
  const verifier = await verifierFor(t);
  await unverifiedHost(t, verifier, 'alpha');
  const { page } = await newPage(t);
  await page.goto(verifier.url);
  await page.getByRole('button', { name: 'Read only' }).click();
  await page.getByRole('dialog', { name: 'Who acts' }).getByLabel('Token', { exact: true }).fill(TOKENS.operator);
  await assertAccessible(page);
  await page.keyboard.press('Enter');
  await page.getByRole('button', { name: 'Capture as reference values' }).waitFor();
  await page.getByRole('button', { name: 'built-in-operator' }).click();
  await page.getByRole('button', { name: 'Forget the present one' }).click();
  await page.getByText(/^assay reference capture .*--host alpha/).waitFor();
});

test('an address of no page says so', options, async (t) => {
  const verifier = await verifierFor(t);
  const { page } = await newPage(t);
  await page.goto(`${verifier.url}/nowhere`);
  await page.getByText('There is no page at this address').waitFor();
  await assertAccessible(page);
});

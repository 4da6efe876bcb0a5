import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { fromBase64 } from '@assay/core/bytes';
import { SimulatedHost } from '@assay/testkit/evidence';
import type { Verifier } from '@assay/verifier';
import { fillHosts, openStore } from '@assay/verifier/fill';
import type { Locator, Page } from 'playwright-core';
import { browserMissing, newPage } from './browser.ts';
import { assertAccessible, assertClean, assertFitsWindow, takePicture } from './checks.ts';
import { LiveHost, verifierFor, verifierOptions } from './fleet.ts';

const HOSTS = 10_000;
const LAST = 'host-09999';
/** Of nine hosts that are filled in, one failed. */
const FAILED = 1111;
const FRAMES = 90;
/** More would mean that rows out of view are in the document. */
const ROWS_MOST = 120;

async function filledVerifier(t: TestContext): Promise<Verifier> {
  const options = verifierOptions(t);
  const host = await SimulatedHost.boot({ name: 'keys' });
  const { ekPublic, akPublic } = await host.enrolRequest();
  await host.tpm.close();
  const database = await openStore(options.store, () => undefined);
  await fillHosts(database, HOSTS, { ek_public: fromBase64(ekPublic), ak_public: fromBase64(akPublic) });
  await database.destroy();
  return verifierFor(t, { ...options, staleAfterSeconds: 86_400 });
}

/** What is measured depends on the machine and on what else it does: it is printed, and nothing is asserted of it. */
function tell(measured: string): void {
  process.stdout.write(`    ${measured}\n`);
}

/** Tells how long it took until `ready`. */
async function openMeasured(page: Page, address: string, ready: Locator): Promise<void> {
  const begun = performance.now();
  await page.goto(address);
  await ready.waitFor();
  const took = performance.now() - begun;
  tell(`${new URL(address).pathname}: usable after ${took.toFixed(0)} ms, aim 1000 ms`);
}

/** Tells the frames a second of a table that is scrolled by some rows with each of them, and goes on to its end. */
async function scrollMeasured(grid: Locator): Promise<void> {
  const milliseconds = await grid.evaluate(async (table, frames) => {
    const begun = performance.now();
    for (let frame = 0; frame < frames; frame++) {
      table.scrollBy(0, 300);
      await new Promise(requestAnimationFrame);
    }
    const took = performance.now() - begun;
    table.scrollTo(0, table.scrollHeight);
    return took;
  }, FRAMES);
  tell(`${((1000 * FRAMES) / milliseconds).toFixed(0)} frames a second while scrolling, aim 60`);
}

const rowsIn = (grid: Locator): Promise<number> => grid.locator('[data-index]').count();

const focusedText = (page: Page): Promise<string> => page.evaluate(() => document.activeElement?.textContent ?? '');

async function assertFocused(page: Page, text: string): Promise<void> {
  await page.waitForFunction((wanted) => document.activeElement?.textContent === wanted, text);
  assert.equal(await focusedText(page), text);
}

test('ten thousand hosts stay usable', { skip: browserMissing }, async (t) => {
  const verifier = await filledVerifier(t);

  await t.test('the table scrolls to its end, with few rows in the document', async (t) => {
    const { page, record } = await newPage(t);
    const grid = page.getByRole('grid', { name: 'Hosts' });
    await openMeasured(page, `${verifier.url}/hosts`, grid.getByRole('link', { name: 'host-00003' }));
    await page.getByText('10,000 hosts', { exact: true }).waitFor();
    await scrollMeasured(grid);
    await grid.getByRole('link', { name: LAST }).waitFor();
    assert.equal(await grid.getAttribute('aria-rowcount'), String(HOSTS + 1));
    assert.ok((await rowsIn(grid)) < ROWS_MOST);
    await takePicture(page, 'many-hosts');
    await assertFitsWindow(page);
    await assertAccessible(page);
    assertClean(record, verifier.url);
  });

  await t.test('one host is found by its name, a label and a verdict, and by the address again', async (t) => {
    const { page } = await newPage(t);
    await page.goto(`${verifier.url}/hosts`);
    const grid = page.getByRole('grid', { name: 'Hosts' });
    await grid.getByRole('link', { name: 'host-00003' }).waitFor();
    await page.keyboard.press('/');
    await page.keyboard.type('host-0777');
    await page.getByText('10 of 10,000 hosts', { exact: true }).waitFor();
    await page.getByRole('group', { name: 'Filter by verdict' }).getByRole('button', { name: 'Failed' }).click();
    await page.getByText('1 of 10,000 hosts', { exact: true }).waitFor();
    await page.reload();
    await page.getByText('1 of 10,000 hosts', { exact: true }).waitFor();
    assert.equal(await rowsIn(grid), 1);
    await page.goto(`${verifier.url}/hosts?verdict=failed`);
    await page.getByText('1,111 of 10,000 hosts', { exact: true }).waitFor();
    await page.goto(`${verifier.url}/hosts?label=rack%3D7&sort=-name`);
    await page.getByText('250 of 10,000 hosts', { exact: true }).waitFor();
    assert.equal(await grid.getByRole('link').first().textContent(), 'host-09967');
  });

  await t.test('keys go through the table from its first row to its last, and open a host', async (t) => {
    const { page, record } = await newPage(t);
    await page.goto(`${verifier.url}/hosts`);
    const grid = page.getByRole('grid', { name: 'Hosts' });
    await grid.getByRole('link', { name: 'host-00000' }).focus();
    await page.keyboard.press('ArrowDown');
    await assertFocused(page, 'host-00001');
    await page.keyboard.press('PageDown');
    await assertFocused(page, 'host-00011');
    await page.keyboard.press('End');
    await assertFocused(page, LAST);
    await page.keyboard.press('Home');
    await assertFocused(page, 'host-00000');
    await page.keyboard.press('End');
    await assertFocused(page, LAST);
    await page.keyboard.press('ArrowUp');
    await assertFocused(page, 'host-09998');
    await page.keyboard.press('Enter');
    await page.waitForURL('**/hosts/host-09998');
    await page.getByRole('heading', { level: 1, name: 'host-09998 Unverified' }).waitFor();
    await page.goBack();
    await grid.getByRole('link', { name: 'host-09998' }).waitFor();
    assertClean(record, verifier.url);
  });

  await t.test('the fleet draws each of them, counts them, and leads to those of a verdict', async (t) => {
    const { page, record } = await newPage(t, { viewport: { width: 1280, height: 1000 } });
    const picture = page.getByRole('img', { name: '10,000 hosts, a mark each' });
    await openMeasured(page, `${verifier.url}/`, picture);
    await page.getByText('1,111 of 10,000 hosts failed', { exact: true }).waitFor();
    const causes = page.getByRole('region', { name: 'What is the matter' });
    await causes.getByText('7 open causes', { exact: true }).waitFor();
    await takePicture(page, 'many-hosts-fleet');
    await assertFitsWindow(page);
    await assertAccessible(page);
    await page.getByRole('link', { name: /^1,111 Failed/ }).click();
    await page.getByText(`${FAILED.toLocaleString('en')} of 10,000 hosts`, { exact: true }).waitFor();
    assertClean(record, verifier.url);
  });

  await t.test('a host that comes appears in the table that is open, and the palette finds it', async (t) => {
    const { page } = await newPage(t);
    await page.goto(`${verifier.url}/hosts?q=newcomer`);
    await page.getByText('None of 10,000 hosts is like that').waitFor();
    await LiveHost.enrol(t, verifier, 'newcomer-01');
    await page.getByText('1 of 10,001 hosts', { exact: true }).waitFor();
    await page.locator('h1').click();
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox').fill('host-05000');
    await page.getByRole('option', { name: /host-05000/ }).waitFor();
    await page.keyboard.press('Enter');
    await page.waitForURL('**/hosts/host-05000');
  });
});

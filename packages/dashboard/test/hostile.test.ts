import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browserMissing, newPage } from './browser.ts';
import { assertAccessible, assertClean, assertFitsWindow, assertHarmless, takePicture } from './checks.ts';
import { trustedHost, verifierFor } from './fleet.ts';

const options = { skip: browserMissing };

const LONG = `/opt/${'deep/'.repeat(300)}end`;
const HOSTILE = [
  '/tmp/<script>window.attacked = true</script>',
  '/tmp/<img src=x onerror="window.attacked = true">',
  '/tmp/invoice_\u202efdp.exe',
  '/tmp/a\u0007b\u001b[31mc\r\nd',
  '/tmp/javascript:alert(1)',
  LONG,
];

for (const width of [1280, 360]) {
  test(`hostile file names are shown as text, escaped, at ${width} px`, options, async (t) => {
    const verifier = await verifierFor(t);
    const host = await trustedHost(t, verifier, 'web-03');
    await host.execute(...HOSTILE);
    await host.attest();
    const { page, record } = await newPage(t, { viewport: { width, height: 800 } });
    await page.goto(verifier.url);
    await page
      .getByRole('article')
      .nth(HOSTILE.length - 1)
      .waitFor();
    await page.locator(`[data-entry="${5 + HOSTILE.length}"]`).waitFor();
    const text = await page.locator('body').innerText();
    assert.ok(text.includes('<script>window.attacked = true</script>'));
    await assertHarmless(page);
    await takePicture(page, `hostile-${width}`);
    await assertAccessible(page);
    assertClean(record, verifier.url);
  });
}

test('a very long path is cut on its row, whole in its details, and never runs over', options, async (t) => {
  const verifier = await verifierFor(t);
  const host = await trustedHost(t, verifier, 'web-03');
  await host.execute(LONG);
  await host.attest();
  const { page } = await newPage(t);
  await page.goto(verifier.url);
  const row = page.locator('[data-entry="6"]');
  assert.ok(((await row.boundingBox())?.height ?? 1000) < 60);
  await row.locator('> button').click();
  await row.getByRole('button', { name: `Show all ${LONG.length} characters` }).click();
  await row.locator('dd').getByText(LONG).waitFor();
  await assertFitsWindow(page);
});

test('a host name in the address that is markup stays text', options, async (t) => {
  const verifier = await verifierFor(t);
  await trustedHost(t, verifier, 'web-03');
  const { page, record } = await newPage(t);
  await page.goto(`${verifier.url}/hosts/${encodeURIComponent('<img src=x onerror="window.attacked = true">')}`);
  await page.getByRole('heading', { name: 'No host is called <img' }).waitFor();
  assert.equal(await page.evaluate(() => 'attacked' in window), false);
  // That the answer was "no such host" is all that the browser complains of.
  assert.match(record.complaints.splice(0).join(), /^Failed to load resource: [^,]*404[^,]*$/);
  assertClean(record, verifier.url);
});

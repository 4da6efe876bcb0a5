import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Verifier } from '@assay/verifier';
import { browserMissing, newPage } from './browser.ts';
import { assertAccessible, assertClean, assertFitsWindow, takePicture } from './checks.ts';
import { failedHost, LiveHost, TAMPERED, trustedHost, unverifiedHost, verifierFor } from './fleet.ts';

const options = { skip: browserMissing };

/** One of each, and two that fail for the same cause. */
async function mixedFleet(t: TestContext): Promise<{ verifier: Verifier; alpha: LiveHost }> {
  const verifier = await verifierFor(t, { staleAfterSeconds: 600 });
  const alpha = await trustedHost(t, verifier, 'alpha');
  await failedHost(t, verifier, 'beta');
  await unverifiedHost(t, verifier, 'gamma');
  await LiveHost.enrol(t, verifier, 'delta');
  return { verifier, alpha };
}

const LOOKS = [
  { colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  { colorScheme: 'dark', viewport: { width: 360, height: 740 } },
  { colorScheme: 'dark', viewport: { width: 2560, height: 1440 } },
] as const;

test(
  'the pages of fleet and hosts are accessible and in order in both themes and at each width',
  options,
  async (t) => {
    const { verifier } = await mixedFleet(t);
    for (const { colorScheme, viewport } of LOOKS) {
      const { page, record } = await newPage(t, { colorScheme, viewport });
      await page.goto(verifier.url);
      await page.getByText('1 of 4 hosts failed').waitFor();
      await page.getByRole('region', { name: 'What is the matter' }).getByText(TAMPERED).waitFor();
      await page.getByText('It works, and is in time').waitFor();
      await page.getByRole('img', { name: '4 hosts, a mark each' }).waitFor();
      await takePicture(page, `fleet-${colorScheme}-${viewport.width}`);
      await assertFitsWindow(page);
      await assertAccessible(page);
      await page.goto(`${verifier.url}/hosts`);
      await page.getByRole('row', { name: /beta Failed/ }).waitFor();
      await takePicture(page, `hosts-${colorScheme}-${viewport.width}`);
      await assertFitsWindow(page);
      await assertAccessible(page);
      assertClean(record, verifier.url);
    }
  },
);

test('a cause is shown once, and its hosts change before the eyes', options, async (t) => {
  const { verifier, alpha } = await mixedFleet(t);
  const { page } = await newPage(t);
  await page.goto(verifier.url);
  const causes = page.getByRole('region', { name: 'What is the matter' });
  await causes.getByText('On 1 host: beta').waitFor();
  await alpha.execute(TAMPERED);
  await alpha.attest();
  await page.getByText('2 of 4 hosts failed').waitFor();
  await causes.getByText(/On 2 hosts: alpha ?beta/).waitFor();
  await causes.getByText('1 open cause', { exact: true }).waitFor();
  await alpha.capture();
  await page.getByText('1 of 4 hosts failed').waitFor();
  await causes.getByText('On 1 host: beta').waitFor();
});

test('a mark of the picture leads to its host', options, async (t) => {
  const { verifier } = await mixedFleet(t);
  const { page } = await newPage(t);
  await page.goto(verifier.url);
  const picture = page.getByRole('img', { name: '4 hosts, a mark each' });
  await picture.hover({ position: { x: 30, y: 10 } });
  await page.getByText('beta Failed').waitFor();
  await picture.click({ position: { x: 30, y: 10 } });
  await page.getByRole('heading', { level: 1, name: 'beta Failed' }).waitFor();
});

test('hosts are filtered and sorted by the address, and found again by it', options, async (t) => {
  const { verifier } = await mixedFleet(t);
  const { page } = await newPage(t);
  await page.goto(`${verifier.url}/hosts?sort=-name`);
  const links = page.getByRole('grid', { name: 'Hosts' }).getByRole('link');
  const names = async (): Promise<string[]> => {
    await links.first().waitFor();
    return links.allInnerTexts();
  };
  assert.deepEqual(await names(), ['gamma', 'delta', 'beta', 'alpha']);
  await page.getByRole('button', { name: 'Verdict' }).click();
  await page.waitForURL(/sort=verdict/);
  assert.equal((await names())[0], 'beta');
  await page.getByRole('group', { name: 'Filter by verdict' }).getByRole('button', { name: 'Pending' }).click();
  await page.waitForURL(/verdict=pending/);
  await page.reload();
  assert.deepEqual(await names(), ['delta']);
  await page.getByRole('searchbox').fill('nobody');
  await page.getByText('None of 4 hosts is like that').waitFor();
  await assertAccessible(page);
  await page.getByRole('button', { name: 'Show all of them' }).click();
  assert.deepEqual(await names(), ['alpha', 'beta', 'delta', 'gamma']);
});

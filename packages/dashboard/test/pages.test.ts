import { test } from 'node:test';
import { browserMissing, newPage } from './browser.ts';
import { assertAccessible, takePicture } from './checks.ts';
import { TOKENS } from './fleet.ts';
import { hostsUnderPolicy, patientVerifier } from './people.ts';
import { EMPTY, visit, visitFilled } from './visits.ts';

const options = { skip: browserMissing };
const LIGHT = { colorScheme: 'light', viewport: { width: 1280, height: 800 }, also: assertAccessible } as const;

test('every page is accessible and fits with something to show, in light', options, async (t) => {
  await visitFilled(t, LIGHT);
});

test('every page says in its own words that there is nothing', options, async (t) => {
  await visit(t, await patientVerifier(t), EMPTY, LIGHT);
});

test('a page says that the verifier is gone, and shows what it showed', options, async (t) => {
  const verifier = await patientVerifier(t);
  await hostsUnderPolicy(t, verifier, 'web', ['web-01']);
  const { page } = await newPage(t);
  await page.goto(`${verifier.url}/findings#token=${TOKENS.operator}`);
  await page.getByText('Nothing is open').waitFor();
  await verifier.close();
  await page.locator('main[data-old]').waitFor();
  await page.getByText('Nothing is open').waitFor();
  await takePicture(page, 'findings-stale');
  await assertAccessible(page);
});

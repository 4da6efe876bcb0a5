import { test } from 'node:test';
import { browserMissing } from './browser.ts';
import { verifierOptions } from './fleet.ts';
import { patientVerifier } from './people.ts';
import { ASKING, assertLooks, openLive, pressAll } from './states.ts';
import { busyVerifier } from './visits.ts';

const options = { skip: browserMissing };

test('every page keeps what it showed when the verifier goes away, says so, and heals', options, async (t) => {
  const settings = verifierOptions(t);
  let verifier = await busyVerifier(t, settings);
  const page = await openLive(t, verifier);
  for (const shown of ASKING) {
    await page.goto(verifier.url + shown.path);
    await page.getByText(shown.text).first().waitFor();
    await page.getByText('Live', { exact: true }).waitFor();
    await verifier.close();
    await page.getByText('The verifier cannot be reached.').first().waitFor();
    await page.locator('main[data-old]').waitFor();
    await page.getByText(shown.text).first().waitFor();
    await assertLooks(page, `${shown.name}-lost`);
    verifier = await patientVerifier(t, { ...settings, port: verifier.port });
    await pressAll(page.getByRole('button', { name: 'Try now' }));
    await page.locator('main:not([data-old])').getByText(shown.text).first().waitFor();
  }
});

import { test } from 'node:test';
import type { Route } from 'playwright-core';
import { browserMissing } from './browser.ts';
import { ASKING, assertLooks, isAsked, openLive } from './states.ts';
import { busyVerifier } from './visits.ts';

const options = { skip: browserMissing };

test('every page shows that the answer has not come yet, and then the answer', options, async (t) => {
  const verifier = await busyVerifier(t);
  const page = await openLive(t, verifier);
  for (const shown of ASKING) {
    const answers = Promise.withResolvers<void>();
    const hold = async (route: Route): Promise<void> => {
      await answers.promise;
      await route.continue();
    };
    await page.route(isAsked, hold);
    await page.goto(verifier.url + shown.path);
    const waits = page.locator('main').getByText(/^(Loading|Asking the verifier)/);
    await waits.first().waitFor({ state: 'attached' });
    await assertLooks(page, `${shown.name}-loading`);
    answers.resolve();
    await page.getByText(shown.text).first().waitFor();
    await page.unroute(isAsked, hold);
  }
});

import { test } from 'node:test';
import type { Route } from 'playwright-core';
import { browserMissing } from './browser.ts';
import { askAgain, ASKING, assertLooks, isAsked, openLive, problemIn } from './states.ts';
import { busyVerifier } from './visits.ts';

const options = { skip: browserMissing };

test('every page says that a connection was cut, and asks again when somebody says so', options, async (t) => {
  const verifier = await busyVerifier(t);
  const page = await openLive(t, verifier);
  for (const shown of ASKING) {
    const cut = (route: Route): Promise<void> => route.abort('connectionreset');
    await page.route(isAsked, cut);
    await page.goto(verifier.url + shown.path);
    await problemIn(page).getByText('The verifier cannot be reached').waitFor();
    const next = shown.name === 'digests' ? 'press the button once more' : 'It is asked again every 5 seconds';
    await problemIn(page).getByText(next).waitFor();
    await assertLooks(page, `${shown.name}-cut`);
    await page.unroute(isAsked, cut);
    await askAgain(page, shown);
  }
});

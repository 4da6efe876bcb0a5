import { test } from 'node:test';
import type { Route } from 'playwright-core';
import { browserMissing } from './browser.ts';
import { ASKING, assertLooks, isAsked, openLive, problemIn } from './states.ts';
import { busyVerifier } from './visits.ts';

const options = { skip: browserMissing };

/** As a proxy answers whose verifier is gone. */
const inFront =
  (status: number) =>
  (route: Route): Promise<void> =>
    route.fulfill({
      status,
      contentType: 'text/html',
      body: '<html><h1>Bad Gateway</h1><script>attacked()</script></html>',
    });

/** One of each way to ask: once and on a timer, page by page, and all of a log. */
const KINDS = ['fleet', 'measurements', 'audit'];
const SOME = ASKING.filter(({ name }) => KINDS.includes(name));

test(
  'a page says that a proxy answered for the verifier, asks again by itself, and shows the answer',
  options,
  async (t) => {
    const verifier = await busyVerifier(t);
    const page = await openLive(t, verifier);
    for (const [index, shown] of SOME.entries()) {
      const answer = inFront(index % 2 === 0 ? 502 : 503);
      await page.route(isAsked, answer);
      await page.goto(verifier.url + shown.path);
      await problemIn(page).getByText('Not the verifier answered, but something in front of it').waitFor();
      if (index === 0) await assertLooks(page, `${shown.name}-proxy`);
      await page.unroute(isAsked, answer);
      await page.getByText(shown.text).first().waitFor();
    }
  },
);

test('a stream that a proxy answers for is opened again by itself', options, async (t) => {
  const verifier = await busyVerifier(t);
  const page = await openLive(t, verifier);
  const isStream = ({ pathname }: URL): boolean => pathname === '/v1/events';
  const answer = inFront(502);
  await page.route(isStream, answer);
  await page.goto(verifier.url);
  await page.getByText('The verifier cannot be reached.').first().waitFor();
  await page.unroute(isStream, answer);
  await page.getByText('Live', { exact: true }).waitFor();
  await page.getByText('2 of 3 hosts failed').waitFor();
});

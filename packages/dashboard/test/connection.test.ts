import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROUTES } from '@assay/wire';
import { browserMissing, newPage } from './browser.ts';
import { assertAccessible, takePicture } from './checks.ts';
import { TAMPERED, TOKENS, trustedHost, unverifiedHost, verifierFor, verifierOptions } from './fleet.ts';
import { patientVerifier } from './people.ts';

const options = { skip: browserMissing };

test('a verifier that went away is told with a countdown, and the page heals when it is back', options, async (t) => {
  const settings = verifierOptions(t);
  const first = await verifierFor(t, settings);
  const host = await unverifiedHost(t, first, 'web-03');
  const { page } = await newPage(t);
  await page.goto(first.url);
  await page.getByText('Live').waitFor();
  await first.close();
  await page.getByText('The verifier cannot be reached.').waitFor();
  await page.locator('main[data-old]').waitFor();
  await takePicture(page, 'unreachable');
  await assertAccessible(page);

  await page.getByText(/^Next try in ([5-9]|1\d) s$/).waitFor();
  await verifierFor(t, { ...settings, port: first.port });
  await host.capture();
  await page.getByRole('button', { name: 'Try now' }).click();
  await page.getByText('Live').waitFor();
  await page.getByRole('heading', { name: 'Trusted' }).waitFor();
  assert.equal(await page.locator('main[data-old]').count(), 0);
});

test(
  'a page whose file cannot be loaded says so in its frame, and comes when the verifier is back',
  options,
  async (t) => {
    const settings = verifierOptions(t);
    const first = await verifierFor(t, settings);
    await unverifiedHost(t, first, 'web-03');
    const { page } = await newPage(t);
    await page.goto(first.url);
    await page.getByRole('heading', { name: 'Unverified' }).waitFor();
    await first.close();
    await page.getByText('The verifier cannot be reached.').waitFor();
    await page.getByRole('link', { name: 'Health', exact: true }).first().click();
    await page.getByRole('heading', { name: 'This page could not be shown' }).waitFor();
    await page.getByText('The verifier cannot be reached.').waitFor();
    await takePicture(page, 'page-failed');
    await assertAccessible(page);

    await verifierFor(t, { ...settings, port: first.port });
    await page.getByText('In time').waitFor();
  },
);

test('a verdict is not green on old evidence when the verifier is gone', options, async (t) => {
  const verifier = await verifierFor(t, { staleAfterSeconds: 4 });
  const host = await trustedHost(t, verifier, 'web-03');
  const { page } = await newPage(t);
  await page.goto(verifier.url);
  await page.getByText('Live').waitFor();
  await host.attest();
  await page.getByRole('heading', { name: 'Trusted' }).waitFor();
  await verifier.close();
  await page.getByRole('heading', { name: 'Stale' }).waitFor();
  await page.getByText(/The last verdict was .trusted./).waitFor();
});

test('a host that falls silent turns stale, and heals with new evidence', options, async (t) => {
  const verifier = await verifierFor(t, { staleAfterSeconds: 2 });
  const host = await trustedHost(t, verifier, 'web-03');
  const { page } = await newPage(t);
  await page.goto(verifier.url);
  await page.getByRole('heading', { name: 'Stale' }).waitFor();
  await page.getByText('No fresh evidence since').waitFor();
  await page.getByText('Nothing is known of what ran since the last evidence.').waitFor();
  await takePicture(page, 'stale');
  await host.attest();
  await page.getByRole('heading', { name: 'Trusted' }).waitFor();
});

test('a page that is opened before the verifier answers shows that it loads', options, async (t) => {
  const verifier = await verifierFor(t);
  const { page } = await newPage(t);
  const answers = Promise.withResolvers<void>();
  await page.route('**/v1/**', async (route) => {
    await answers.promise;
    await route.continue();
  });
  await page.goto(verifier.url);
  await page.getByText('Loading', { exact: true }).waitFor({ state: 'attached' });
  await assertAccessible(page);
  answers.resolve();
  await page.getByRole('heading', { name: 'No host yet' }).waitFor();
});

test('off the loopback the page asks for the token, and works with it', options, async (t) => {
  const verifier = await verifierFor(t, { host: '0.0.0.0' });
  const local = { ...verifier, url: `http://127.0.0.1:${verifier.port}` };
  await unverifiedHost(t, local, 'web-03');
  const { page } = await newPage(t);
  await page.goto(local.url);
  await page.getByText('This verifier wants the operator’s token').waitFor();
  await page.goto(`${local.url}/?again#token=${TOKENS.operator}`);
  await page.getByRole('heading', { name: 'Unverified' }).waitFor();
  await page.getByText('Live').waitFor();
});

test('what happened while the page was cut off is there when it is back', options, async (t) => {
  const settings = verifierOptions(t);
  const first = await verifierFor(t, settings);
  const host = await trustedHost(t, first, 'web-03');
  const { page } = await newPage(t);
  await page.goto(first.url);
  await page.locator('[data-entry="5"]').waitFor();
  await first.close();
  await page.getByText('The verifier cannot be reached.').waitFor();
  await verifierFor(t, { ...settings, port: first.port });
  await host.execute(TAMPERED);
  await host.attest();
  await page.getByRole('article').getByRole('heading', { name: TAMPERED }).waitFor();
  await page.locator('[data-entry="6"]').waitFor();
});

test('a page that is one too many says so, and is taken once there is room', options, async (t) => {
  const verifier = await patientVerifier(t);
  const others = new AbortController();
  t.after(() => others.abort());
  // Kept, since a stream that nobody can read any more is ended.
  const streams: Response[] = [];
  while (streams.length < 64) streams.push(await fetch(verifier.url + ROUTES.events, { signal: others.signal }));
  const { page } = await newPage(t);
  await page.goto(verifier.url);
  const banner = page.getByRole('complementary', { name: 'Connection' });
  await banner.getByText('The verifier takes no more pages.').waitFor();
  await banner.getByText('close a page or program that does').waitFor();
  await takePicture(page, 'one-page-too-many');
  await assertAccessible(page);
  assert.ok(streams.every(({ ok }) => ok));
  others.abort();
  await page.getByText('Live', { exact: true }).waitFor();
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browserMissing, newPage } from './browser.ts';
import { assertAccessible } from './checks.ts';
import { busyVerifier, visitFilled } from './visits.ts';

const options = { skip: browserMissing };

test('every page is accessible and fits with something to show, in dark on a phone', options, async (t) => {
  await visitFilled(t, { colorScheme: 'dark', viewport: { width: 360, height: 740 }, also: assertAccessible });
});

test('on a phone the sentences of findings and alerts can be read to their ends', options, async (t) => {
  const verifier = await busyVerifier(t);
  const { page } = await newPage(t, { viewport: { width: 360, height: 740 } });
  for (const path of ['/findings', '/alerts']) {
    await page.goto(verifier.url + path);
    const sentence = page.locator('[data-row-link] bdi').first();
    await sentence.waitFor();
    const { all, shown } = await sentence.evaluate((element) => ({
      all: element.scrollHeight,
      shown: element.clientHeight,
    }));
    assert.ok(shown > 0 && all <= shown, `${path}: ${shown} of ${all} px`);
  }
});

test('every page fits a wall', options, async (t) => {
  await visitFilled(t, { colorScheme: 'dark', viewport: { width: 3840, height: 2160 } });
});

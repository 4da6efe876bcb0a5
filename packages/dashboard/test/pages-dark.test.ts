import { test } from 'node:test';
import { browserMissing } from './browser.ts';
import { assertAccessible } from './checks.ts';
import { visitFilled } from './visits.ts';

const options = { skip: browserMissing };

test('every page is accessible and fits with something to show, in dark on a phone', options, async (t) => {
  await visitFilled(t, { colorScheme: 'dark', viewport: { width: 360, height: 740 }, also: assertAccessible });
});

test('every page fits a wall', options, async (t) => {
  await visitFilled(t, { colorScheme: 'dark', viewport: { width: 3840, height: 2160 } });
});

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { Locator, Page } from 'playwright-core';
import type { Verifier } from '@assay/verifier';
import { newPage } from './browser.ts';
import { assertAccessible, assertFitsWindow, takePicture } from './checks.ts';
import { TOKENS } from './fleet.ts';
import { FILLED, type Shown } from './visits.ts';

/** Every page that asks the verifier for something, and what shows that it got it from three hosts of which two failed. */
export const ASKING: readonly Shown[] = [
  { name: 'fleet', path: '/', text: '2 of 3 hosts failed' },
  { name: 'hosts', path: '/hosts', text: '3 hosts' },
  { name: 'host', path: '/hosts/web-01', text: 'Chain of trust' },
  { name: 'host-timeline', path: '/hosts/web-01?tab=timeline', text: 'What happened' },
  ...FILLED.filter(({ name }) => name !== 'ima-policy'),
];

/** What pages ask of the verifier besides the stream of events and who asks. */
export const isAsked = ({ pathname }: URL): boolean =>
  (pathname.startsWith('/v1/') && !/^\/v1\/(events|who)/.test(pathname)) ||
  ['/healthz', '/readyz', '/metrics'].includes(pathname);

const THEMES = ['light', 'dark'] as const;
let looks = 0;

/** Each look is in the other theme than the one before; with ASSAY_ALL_LOOKS each is in both. */
function themes(): readonly (typeof THEMES)[number][] {
  looks += 1;
  return process.env['ASSAY_ALL_LOOKS'] === undefined ? THEMES.slice(looks % 2, (looks % 2) + 1) : THEMES;
}

/** In a picture; it has one heading, breaks no rule of accessibility and fits the window. */
export async function assertLooks(page: Page, name: string): Promise<void> {
  assert.equal(await page.locator('h1').count(), 1, `${name} has one heading`);
  for (const colorScheme of themes()) {
    await page.emulateMedia({ colorScheme });
    await takePicture(page, `state-${name}-${colorScheme}`);
    await assertAccessible(page);
  }
  await assertFitsWindow(page);
}

/** A page that hears the verifier, with the operator's token. */
export async function openLive(t: TestContext, verifier: Verifier): Promise<Page> {
  const { page } = await newPage(t);
  await page.goto(`${verifier.url}/ima-policy#token=${TOKENS.operator}`);
  await page.getByText('Live', { exact: true }).waitFor();
  return page;
}

export const problemIn = (page: Page): Locator => page.locator('main').getByRole('alert').first();

/** Presses what is there of these. It is no click, which would wait for what is gone when the page heals by itself in that moment. */
export async function pressAll(buttons: Locator): Promise<void> {
  await buttons.evaluateAll((all) => all.forEach((button) => button instanceof HTMLElement && button.click()));
}

/** Presses what the page offers to ask again, wherever it does, until the answer is there. */
export async function askAgain(page: Page, { text }: Shown): Promise<void> {
  const answer = page.getByText(text).first();
  const again = page.getByRole('button', { name: /^(Try again|Ask)$/ });
  for (;;) {
    await answer.or(again).first().waitFor();
    if (await answer.isVisible()) return;
    await pressAll(again);
  }
}

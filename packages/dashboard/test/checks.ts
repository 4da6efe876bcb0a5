import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import axe from 'axe-core';
import type { Page } from 'playwright-core';
import type { PageRecord } from './browser.ts';

const RESULTS = fileURLToPath(new URL('../../../test-results/', import.meta.url));

/** Writes what a person would see to `test-results/NAME.png`. */
export async function takePicture(page: Page, name: string): Promise<void> {
  mkdirSync(RESULTS, { recursive: true });
  await page.screenshot({ path: `${RESULTS}${name}.png`, fullPage: true, animations: 'disabled' });
}

/** What is still fading in has too little contrast for a moment, and only on a fast machine. Some movement has no end. */
async function movementEnds(): Promise<void> {
  const ending = document.getAnimations().filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity);
  await Promise.allSettled(ending.map(({ finished }) => finished));
}

/** Fails for each rule of axe-core that the page breaks, and names the elements. */
export async function assertAccessible(page: Page): Promise<void> {
  // The policy of the page allows no inline script; the debugger's evaluation is not bound by it.
  await page.evaluate(axe.source);
  await page.evaluate(movementEnds);
  const { violations, passes } = await page.evaluate(() => window.axe.run());
  const lines = violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`);
  assert.deepEqual(lines, []);
  assert.ok(passes.length > 10, `axe found only ${passes.length} rules that apply`);
}

/** Wider than the window means that a person must scroll sideways to read. */
export async function assertFitsWindow(page: Page): Promise<void> {
  const [content, window] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(content !== undefined && window !== undefined && content <= window, `${content} px in ${window} px`);
}

/** The console stayed silent, and the page asked nobody but the verifier. */
export function assertClean(record: PageRecord, verifierUrl: string): void {
  assert.deepEqual(record.complaints, []);
  const { origin } = new URL(verifierUrl);
  assert.ok(record.requests.length > 0, 'the page sent no request');
  assert.deepEqual(
    record.requests.filter((url) => url.origin !== origin).map((url) => url.href),
    [],
  );
}

const CONTROL_OR_BIDI = /[\p{Cc}\u202a-\u202e\u2066-\u2069\u200e\u200f]/u;

/** Nothing that hosts and people wrote ran, or turns what a person reads around. */
export async function assertHarmless(page: Page): Promise<void> {
  const text = await page.locator('body').innerText();
  const strange = text.split('\n').filter((line) => CONTROL_OR_BIDI.test(line.replaceAll('\t', '')));
  assert.deepEqual(strange, []);
  assert.equal(await page.evaluate(() => 'attacked' in window), false);
  await assertFitsWindow(page);
}

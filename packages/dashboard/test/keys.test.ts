import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { browserMissing, newPage } from './browser.ts';
import { assertClean } from './checks.ts';
import { ASKING, openLive } from './states.ts';
import { busyVerifier, FILLED, type Shown } from './visits.ts';

const options = { skip: browserMissing };

/** Where Tab was, by places among the controls of the page; what is no control, as a box that scrolls, has none. */
interface Walk {
  readonly controls: readonly Element[];
  readonly steps: number[];
  readonly unseen: string[];
}

/** Runs in the page: what a person can act on, in the order of the document, and a record of where the focus comes. */
function beginWalk(): Walk {
  const named = 'a[href], button, input, select, textarea, summary, [tabindex]';
  const controls = [...document.querySelectorAll<HTMLElement>(named)].filter(
    (element) => element.tabIndex >= 0 && !element.matches(':disabled') && element.checkVisibility(),
  );
  const walk: Walk = { controls, steps: [], unseen: [] };
  const isMarked = (element: Element, part?: string): boolean => {
    const { outlineStyle, outlineWidth } = getComputedStyle(element, part);
    return outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 1;
  };
  document.addEventListener('focusin', ({ target }) => {
    if (!(target instanceof HTMLElement)) return;
    walk.steps.push(controls.indexOf(target));
    const { width, height } = target.getBoundingClientRect();
    const isShown = width > 0 && height > 0 && (isMarked(target) || isMarked(target, '::after'));
    if (!isShown) walk.unseen.push(target.outerHTML.slice(0, 200));
  });
  return walk;
}

/** Boxes that scroll and hold no control are stops of their own. */
const BOXES = 8;

/** Each control is reached by Tab, in the order of the document, and seen to be; going on comes to the first again. */
async function assertWalkable(page: Page): Promise<void> {
  const walk = await page.evaluateHandle(beginWalk);
  const count = await walk.evaluate(({ controls }) => controls.length);
  // Held, which repeats it: half the messages of single presses.
  for (let press = 0; press < count + BOXES; press++) await page.keyboard.down('Tab');
  await page.keyboard.up('Tab');
  const { steps, unseen, names } = await walk.evaluate(({ controls, steps, unseen }) => ({
    steps,
    unseen,
    names: controls.map((control) => control.outerHTML.slice(0, 200)),
  }));
  const reached = steps.filter((step) => step >= 0);
  assert.deepEqual(
    names.filter((_, index) => !reached.includes(index)),
    [],
  );
  assert.deepEqual(reached.slice(0, count), [...names.keys()]);
  assert.deepEqual(unseen, []);
}

const ALL: readonly Shown[] = [
  ...ASKING,
  ...FILLED.filter(({ name }) => name === 'ima-policy'),
  { name: 'host-policy', path: '/hosts/web-01?tab=policy', text: 'web@1' },
  { name: 'host-boot', path: '/hosts/web-01?tab=boot', text: 'PCR' },
  { name: 'host-identity', path: '/hosts/web-01?tab=identity', text: 'Change labels' },
  { name: 'host-evidence', path: '/hosts/web-01?tab=evidence', text: /Download/ },
];

test('Tab alone reaches all that each page offers, in order and visibly', options, async (t) => {
  const verifier = await busyVerifier(t);
  const page = await openLive(t, verifier);
  for (const { name, path, text } of ALL) {
    await t.test(name, async () => {
      await page.goto(verifier.url + path);
      await page.locator('main').getByText(text).first().waitFor();
      await page.getByText('Live', { exact: true }).waitFor();
      await page.waitForFunction(
        () => !/Loading|Asking the verifier/.test(document.querySelector('main')?.textContent ?? ''),
      );
      await assertWalkable(page);
    });
  }
});

/** Opens a dialog by keys, walks through it, and leaves it by Escape. */
async function assertReturns(page: Page, path: string, button: string): Promise<void> {
  await page.goto(path);
  const opener = page.getByRole('button', { name: button, exact: true });
  await opener.focus();
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog');
  await dialog.waitFor();
  const stops = await dialog.locator('a[href], button, input, select, textarea').count();
  for (let press = 0; press <= stops; press++) {
    await page.keyboard.press('Tab');
    const place = await page.evaluate(() => document.activeElement?.closest('dialog, body')?.localName);
    // From its last control Tab goes to the window of the browser, and into the dialog again; never to what is behind.
    assert.ok(place === 'dialog' || (await page.evaluate(() => document.activeElement === document.body)), button);
  }
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  assert.equal(await opener.evaluate((element) => element === document.activeElement), true, button);
}

test('Escape closes each dialog, and the focus is where it was before', options, async (t) => {
  const verifier = await busyVerifier(t);
  const page = await openLive(t, verifier);
  for (const [path, button] of [
    ['/hosts/web-01?tab=identity', 'Change labels'],
    ['/findings/F-1', 'Acknowledge'],
    ['/findings/F-1', 'Resolve'],
    ['/findings/F-1', 'Approve into a new version'],
    [`/digests/sha256:${'0'.repeat(64)}`, 'Deny'],
    ['/policies/web', 'Activate for more hosts'],
    ['/', 'Find anything Ctrl K'],
  ] as const) {
    await assertReturns(page, verifier.url + path, button);
  }
  await page.setViewportSize({ width: 360, height: 740 });
  await assertReturns(page, `${verifier.url}/hosts`, 'Menu');
});

test('arrow keys go through the marks of all hosts, and Enter opens one', options, async (t) => {
  const verifier = await busyVerifier(t);
  const { page, record } = await newPage(t);
  await page.goto(verifier.url);
  await page.getByRole('link', { name: 'web-01 Failed, 1 of 3' }).focus();
  await page.getByText('web-01 Failed', { exact: true }).waitFor();
  await page.keyboard.press('ArrowRight');
  await page.getByRole('link', { name: 'web-02 Failed, 2 of 3' }).waitFor();
  await page.keyboard.press('ArrowLeft');
  await page.keyboard.press('ArrowLeft');
  await page.getByRole('link', { name: 'web-01 Failed, 1 of 3' }).waitFor();
  await page.keyboard.press('End');
  await page.getByRole('link', { name: 'web-03 Trusted, 3 of 3' }).waitFor();
  await page.getByText('web-03 Trusted', { exact: true }).waitFor();
  await page.keyboard.press('Enter');
  await page.getByRole('heading', { level: 1, name: 'web-03 Trusted' }).waitFor();
  assertClean(record, verifier.url);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { route, ROUTES, TokenReply } from '@assay/wire';
import type { Locator, Page, Route } from 'playwright-core';
import { browserMissing, newPage } from './browser.ts';
import { assertAccessible, takePicture } from './checks.ts';
import { TOKENS } from './fleet.ts';
import { post, tokenOf } from './people.ts';
import { busyVerifier } from './visits.ts';

const options = { skip: browserMissing };

/** Goes to a button by Tab and presses it: nothing here touches a mouse. */
async function press(page: Page, button: Locator): Promise<void> {
  await button.waitFor();
  const most = await page.locator('a, button, input, select, textarea, [tabindex]').count();
  for (let step = 0; step <= 2 * most; step += 1) {
    if (await button.evaluate((element) => element === document.activeElement)) return page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
  }
  assert.fail(`Tab does not come to ${String(button)}`);
}

const tokenField = (page: Page): Locator => page.getByRole('dialog', { name: 'Who acts' }).getByLabel('Token');

async function typeToken(page: Page, token: string): Promise<void> {
  await tokenField(page).focus();
  await page.keyboard.press('Control+A');
  await page.keyboard.type(token);
  await page.keyboard.press('Enter');
}

test('a token that is nobody’s is not taken, and the dialog says so', options, async (t) => {
  const verifier = await busyVerifier(t);
  const { page } = await newPage(t);
  await page.goto(`${verifier.url}/findings`);
  await page.getByText('1 cause, 2 findings').waitFor();
  await page.keyboard.press('Control+K');
  await page.getByRole('combobox').focus();
  await page.keyboard.type('token');
  await page.getByRole('option', { name: 'Give or forget a token' }).waitFor();
  await page.keyboard.press('Enter');
  for (const wrong of ['not-a-token', 'ключ']) {
    await typeToken(page, wrong);
    await page.getByText('The verifier does not know this token').waitFor();
  }
  await takePicture(page, 'mistake-token');
  await assertAccessible(page);
  await typeToken(page, TOKENS.operator);
  await page.getByRole('button', { name: 'built-in-operator' }).waitFor();
  await page.goto(`${verifier.url}/findings?again#token=of-yesterday`);
  await page.getByRole('button', { name: 'Token not valid' }).waitFor();
});

test('a token that ends while somebody types costs nothing of what was typed', options, async (t) => {
  const verifier = await busyVerifier(t);
  const made = await post(verifier, ROUTES.tokens, TOKENS.operator, { name: 'olga', role: 'operator' });
  const { secret, token } = TokenReply.parse(made);
  const { page } = await newPage(t);
  await page.goto(`${verifier.url}/findings/F-1#token=${secret}`);
  await press(page, page.getByRole('button', { name: 'Acknowledge' }));
  const dialog = page.getByRole('dialog', { name: 'Acknowledge' });
  await dialog.getByRole('textbox', { name: 'Why' }).focus();
  await page.keyboard.type('Ticket 4711');
  await post(verifier, route(ROUTES.tokenRevocation, token.id), TOKENS.operator, {});
  await page.keyboard.press('Enter');
  await dialog.getByText('The verifier does not take the token of this tab any more').waitFor();
  await takePicture(page, 'mistake-revoked');
  await assertAccessible(page);
  await press(page, dialog.getByRole('button', { name: 'Give another token' }));
  await typeToken(page, await tokenOf(verifier, 'olga', 'operator'));
  await tokenField(page).waitFor({ state: 'detached' });
  assert.equal(await dialog.getByRole('textbox', { name: 'Why' }).inputValue(), 'Ticket 4711');
  await press(page, dialog.getByRole('button', { name: 'Acknowledge' }));
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('Ticket 4711').first().waitFor();
});

test('a draft outlives an error in it, a page that is left and a connection that is lost', options, async (t) => {
  const verifier = await busyVerifier(t);
  const { page } = await newPage(t);
  await page.goto(`${verifier.url}/policies/web/edit?version=1#token=${TOKENS.operator}`);
  const draft = page.getByRole('textbox', { name: 'The document' });
  await draft.focus();
  await page.keyboard.press('Control+Home');
  await page.keyboard.type('x');
  await page.getByText('It can be tried and pushed once it can be read.').waitFor();
  await takePicture(page, 'mistake-draft');
  await assertAccessible(page);
  await page.keyboard.press('Backspace');
  await page.keyboard.type(' ');
  await page.getByRole('button', { name: 'Begin again' }).waitFor();
  const written = await draft.inputValue();
  await page.reload();
  await page.getByRole('button', { name: 'Push as version 2' }).waitFor();
  assert.equal(await draft.inputValue(), written);

  const cut = (request: Route): Promise<void> => request.abort('connectionreset');
  await page.route('**/v1/policies', cut);
  await press(page, page.getByRole('button', { name: 'Push as version 2' }));
  await page.getByText('press the button once more; what you entered stays here').waitFor();
  assert.equal(await draft.inputValue(), written);
  await page.unroute('**/v1/policies', cut);
  await press(page, page.getByRole('button', { name: 'Push as version 2' }));
  await page.getByText('web version 2 is pushed, and waits for activation.').waitFor();
});

test('who pushed a version is told before and after that somebody else has to activate it', options, async (t) => {
  const verifier = await busyVerifier(t);
  const arno = await tokenOf(verifier, 'arno', 'approver');
  const { page } = await newPage(t);
  await page.goto(`${verifier.url}/findings/F-1#token=${arno}`);
  await press(page, page.getByRole('button', { name: 'Approve into a new version' }));
  await press(page, page.getByRole('dialog').getByRole('button', { name: 'Propose it' }));
  await page.getByRole('heading', { name: 'Policy web' }).waitFor();
  await press(page, page.getByRole('button', { name: 'Activate', exact: true }));
  const dialog = page.getByRole('dialog', { name: 'Activate web version 2?' });
  await dialog.getByText('You pushed it, so somebody else has to activate it').waitFor();
  await press(page, dialog.getByRole('button', { name: 'Activate', exact: true }));
  await dialog.getByText('arno pushed this version; somebody else has to activate it.').waitFor();
  await takePicture(page, 'mistake-own-version');
  await assertAccessible(page);
  await press(page, dialog.getByRole('button', { name: 'Act as somebody else' }));
  await typeToken(page, await tokenOf(verifier, 'berta', 'approver'));
  await tokenField(page).waitFor({ state: 'detached' });
  await press(page, dialog.getByRole('button', { name: 'Activate', exact: true }));
  await page.getByText('web version 2 is in force.').waitFor();
});

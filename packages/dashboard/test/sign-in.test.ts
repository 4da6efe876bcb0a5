import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test, type TestContext } from 'node:test';
import { CLIENT, identityProvider } from '@assay/testkit/identity';
import type { Verifier } from '@assay/verifier';
import { readSignIn } from '@assay/verifier/sign-in';
import { route, ROUTES, SessionList } from '@assay/wire';
import type { Page } from 'playwright-core';
import { browserMissing, newPage } from './browser.ts';
import { assertAccessible, takePicture } from './checks.ts';
import { failedHost, TOKENS, unverifiedHost, verifierFor } from './fleet.ts';
import { post } from './people.ts';

const ACCOUNTS = { alice: { email: 'alice@example.org', email_verified: true, groups: ['security'] } };

/** A verifier at which alice may sign in as an operator. */
async function signInPlace(t: TestContext): Promise<Verifier> {
  // The provider has to know where the verifier will be: an address of the loopback that nobody else uses.
  const host = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;
  const publicUrl = `http://${host}:4620`;
  const issuer = await identityProvider(t, `${publicUrl}${ROUTES.signInCallback}`, ACCOUNTS);
  const roles = { viewer: [], operator: ['security'], approver: [], admin: [] };
  const settings = { schema: 'assay.sign-in.v1', issuer, ...CLIENT, publicUrl, roles };
  const signIn = readSignIn(Buffer.from(JSON.stringify(settings)));
  return verifierFor(t, { host, port: 4620, signIn, staleAfterSeconds: 86_400 });
}

async function authenticate(page: Page): Promise<void> {
  await page.getByPlaceholder('Enter any login').fill('alice');
  await page.getByPlaceholder('and password').fill('any');
  await page.getByRole('button', { name: 'Sign-in' }).click();
  await page.getByRole('button', { name: 'Continue' }).click();
}

test('a person signs in, captures under the own name, and signs out', { skip: browserMissing }, async (t) => {
  const verifier = await signInPlace(t);
  await unverifiedHost(t, verifier, 'web-03');

  const { page } = await newPage(t);
  await page.goto(`${verifier.url}/hosts/web-03`);
  await page.getByText('Only people who have signed in may see this').first().waitFor();
  await takePicture(page, 'sign-in');
  await assertAccessible(page);
  await page.getByRole('alert').getByRole('link', { name: 'Sign in' }).first().click();
  await authenticate(page);

  await page.getByRole('heading', { name: 'Unverified' }).waitFor();
  assert.equal(new URL(page.url()).pathname, '/hosts/web-03', 'it comes back to the page that was asked for');
  await page.getByRole('button', { name: 'Capture as reference values' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Capture' }).click();
  await page.getByRole('heading', { name: 'Trusted' }).waitFor();

  await page.getByRole('button', { name: 'alice@example.org' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByText('with the role operator').waitFor();
  await takePicture(page, 'signed-in');
  await assertAccessible(page);
  await dialog.getByRole('button', { name: 'Sign out' }).click();
  await dialog.getByRole('link', { name: 'Sign out of the identity provider, too' }).waitFor();
  await dialog.getByRole('link', { name: 'Sign in' }).waitFor();
});

/** As an admin does for somebody whose laptop was stolen. */
async function endSessions(verifier: Verifier): Promise<void> {
  const headers = { authorization: `Bearer ${TOKENS.operator}` };
  const { sessions } = SessionList.parse(await (await fetch(verifier.url + ROUTES.sessions, { headers })).json());
  assert.equal(sessions.length, 1);
  for (const { id } of sessions) await post(verifier, route(ROUTES.sessionEnd, id), TOKENS.operator, {});
}

test('a session that ends while somebody types costs nothing of it', { skip: browserMissing }, async (t) => {
  const verifier = await signInPlace(t);
  await failedHost(t, verifier, 'web-03');
  const { page } = await newPage(t);
  await page.goto(`${verifier.url}/findings/F-1`);
  await page.getByRole('alert').getByRole('link', { name: 'Sign in' }).first().click();
  await authenticate(page);
  await page.getByRole('button', { name: 'Acknowledge', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Acknowledge' });
  await dialog.getByLabel('Why').fill('Ticket 4711');

  await endSessions(verifier);
  await page.getByText('The verifier does not let this tab in any more.').waitFor();
  await page.locator('main[data-old]').waitFor();
  await dialog.getByRole('button', { name: 'Acknowledge' }).click();
  await dialog.getByText('Only people who have signed in may do this').waitFor();
  await takePicture(page, 'mistake-session');
  await assertAccessible(page);

  const opened = page.waitForEvent('popup');
  await dialog.getByRole('link', { name: 'Sign in in another tab' }).click();
  const other = await opened;
  const again = other.getByPlaceholder('Enter any login').or(other.getByRole('heading', { name: 'Finding F-1' }));
  await again.waitFor();
  // The provider may know who it is, still.
  if (!other.url().startsWith(verifier.url)) await authenticate(other);
  await other.getByRole('heading', { name: 'Finding F-1' }).waitFor();
  await other.close();
  await dialog.getByRole('button', { name: 'Acknowledge' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('Ticket 4711').first().waitFor();
});

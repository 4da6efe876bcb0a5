import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { test } from 'node:test';
import { CLIENT, identityProvider } from '@assay/testkit/identity';
import { readSignIn } from '@assay/verifier/sign-in';
import { ROUTES } from '@assay/wire';
import { browserMissing, newPage } from './browser.ts';
import { assertAccessible, takePicture } from './checks.ts';
import { unverifiedHost, verifierFor } from './fleet.ts';

const ACCOUNTS = { alice: { email: 'alice@example.org', email_verified: true, groups: ['security'] } };

test('a person signs in, captures under the own name, and signs out', { skip: browserMissing }, async (t) => {
  // The provider has to know where the verifier will be: an address of the loopback that nobody else uses.
  const host = `127.${randomInt(1, 255)}.${randomInt(1, 255)}.${randomInt(1, 255)}`;
  const publicUrl = `http://${host}:4620`;
  const issuer = await identityProvider(t, `${publicUrl}${ROUTES.signInCallback}`, ACCOUNTS);
  const roles = { viewer: [], operator: ['security'], approver: [], admin: [] };
  const settings = { schema: 'assay.sign-in.v1', issuer, ...CLIENT, publicUrl, roles };
  const signIn = readSignIn(Buffer.from(JSON.stringify(settings)));
  const verifier = await verifierFor(t, { host, port: 4620, signIn });
  await unverifiedHost(t, verifier, 'web-03');

  const { page } = await newPage(t);
  await page.goto(`${verifier.url}/hosts/web-03`);
  await page.getByText('Only people who have signed in may see this').first().waitFor();
  await takePicture(page, 'sign-in');
  await assertAccessible(page);
  await page.getByRole('alert').getByRole('link', { name: 'Sign in' }).first().click();
  await page.getByPlaceholder('Enter any login').fill('alice');
  await page.getByPlaceholder('and password').fill('any');
  await page.getByRole('button', { name: 'Sign-in' }).click();
  await page.getByRole('button', { name: 'Continue' }).click();

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

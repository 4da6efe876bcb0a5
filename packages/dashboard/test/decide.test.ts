import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Page } from 'playwright-core';
import { browserMissing, newPage } from './browser.ts';
import { assertAccessible, assertClean, takePicture } from './checks.ts';
import { TAMPERED, TOKENS } from './fleet.ts';
import { digestOf, hostsUnderPolicy, patientVerifier, programDigest, tokenOf } from './people.ts';

const options = { skip: browserMissing };

/** Chromium says of each refused request that it was refused; the page has to say it better. */
function forgetRefusals(complaints: string[]): void {
  const others = complaints.splice(0).filter((line) => !/Failed to load resource: .* 40[0-9]/.test(line));
  complaints.push(...others);
}

/** Replaces what is in a field of many lines, which React has to hear of. */
async function write(page: Page, label: string, text: string): Promise<void> {
  await page.getByRole('textbox', { name: label }).fill(text);
}

test('a red host leads to its cause, to an approval by somebody else, and turns green', options, async (t) => {
  const verifier = await patientVerifier(t);
  const [web] = await hostsUnderPolicy(t, verifier, 'web', ['web-01', 'web-02']);
  assert.ok(web !== undefined);
  const [olga, arno] = [await tokenOf(verifier, 'olga', 'operator'), await tokenOf(verifier, 'arno', 'approver')];
  const { page, record } = await newPage(t);
  await page.goto(`${verifier.url}/findings#token=${olga}`);
  await page.getByText('Nothing is open').waitFor();

  await web.execute(TAMPERED);
  await web.attest();
  await page.getByRole('link', { name: new RegExp(`^${TAMPERED} was measured`) }).click();
  await page.getByRole('heading', { name: /^Finding F-\d+$/ }).waitFor();
  await page.getByRole('region', { name: 'Open on' }).getByRole('link', { name: 'web-01' }).waitFor();
  await takePicture(page, 'journey-finding');
  await page.getByRole('button', { name: 'Approve into a new version' }).click();
  const approval = page.getByRole('dialog', { name: 'Approve into a new version?' });
  await assertAccessible(page);
  await approval.getByRole('button', { name: 'Propose it' }).click();

  await page.getByRole('heading', { name: 'Policy web' }).waitFor();
  assert.equal(new URL(page.url()).search, '?version=2');
  const changed = page.getByRole('region', { name: 'What changed' });
  await changed.getByText('1 file added').waitFor();
  const simulated = page.getByRole('region', { name: 'What it would make of what was measured' });
  await simulated.getByText('becomes', { exact: true }).waitFor();
  await simulated.getByText('1 host', { exact: true }).first().waitFor();
  await takePicture(page, 'journey-proposal');
  await assertAccessible(page);

  await page.getByRole('button', { name: 'Activate', exact: true }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Activate', exact: true }).click();
  await page
    .getByRole('alert')
    .getByText(/needs a token of the role approver/)
    .waitFor();
  forgetRefusals(record.complaints);

  const other = await newPage(t);
  await other.page.goto(`${verifier.url}/policies/web?version=2#token=${arno}`);
  await other.page.getByRole('button', { name: 'Activate', exact: true }).click();
  await other.page.getByRole('dialog').getByRole('button', { name: 'Activate', exact: true }).click();
  await other.page.getByText('web version 2 is in force.').waitFor();
  await other.page.goto(`${verifier.url}/hosts/web-01`);
  await other.page.getByRole('heading', { name: 'Trusted' }).waitFor();
  assertClean(record, verifier.url);
  assertClean(other.record, verifier.url);
});

test('a finding is acknowledged with a reason and an end, shown as such, and withdrawn', options, async (t) => {
  const verifier = await patientVerifier(t);
  const hosts = await hostsUnderPolicy(t, verifier, 'web', ['web-01', 'web-02']);
  for (const host of hosts) {
    await host.execute(TAMPERED);
    await host.attest();
  }
  const { page, record } = await newPage(t);
  await page.goto(`${verifier.url}/findings#token=${TOKENS.operator}`);
  await page.getByText('1 cause, 2 findings').waitFor();
  await page.getByRole('link', { name: /was measured/ }).click();
  await page.getByRole('button', { name: 'Acknowledge', exact: true }).click();
  const dialog = page.getByRole('dialog', { name: 'Acknowledge' });
  await dialog.getByLabel('Why').fill('ticket 7 <b>bold</b>');
  await assertAccessible(page);
  await dialog.getByRole('button', { name: 'Acknowledge' }).click();
  await dialog.waitFor({ state: 'detached' });
  await page.getByText('ticket 7 <b>bold</b>').waitFor();
  await page.goBack();
  await page.getByRole('button', { name: /^Acknowledged 1$/ }).click();
  await page.getByText('1 cause, 2 findings').waitFor();
  assert.match(page.url(), /notice=known/);
  await page.getByRole('link', { name: /was measured/ }).click();
  await page.getByRole('button', { name: 'Withdraw acknowledgement' }).click();
  await page.getByRole('button', { name: 'Acknowledge', exact: true }).waitFor();

  await page.getByRole('button', { name: 'Resolve' }).click();
  const resolving = page.getByRole('dialog', { name: 'Resolve' });
  await resolving.getByLabel('Why').fill('I wish');
  await resolving.getByRole('button', { name: 'Resolve' }).click();
  await resolving.getByRole('alert').waitFor();
  forgetRefusals(record.complaints);
  assertClean(record, verifier.url);
});

test('what is rare leads to who ran it, and to a denial that is tried before it is proposed', options, async (t) => {
  const verifier = await patientVerifier(t);
  const hosts = await hostsUnderPolicy(t, verifier, 'web', ['web-01', 'web-02', 'web-03']);
  const [first, second] = hosts;
  assert.ok(first !== undefined && second !== undefined);
  for (const host of [first, second]) {
    await host.execute(TAMPERED);
    await host.attest();
  }
  const { page, record } = await newPage(t);
  await page.goto(`${verifier.url}/measurements#token=${TOKENS.operator}`);
  const rows = page.getByRole('grid', { name: 'Measurements' }).getByRole('row');
  await rows.nth(1).waitFor();
  assert.match(await rows.nth(1).innerText(), /\/tmp\/\s*x\s+2\s+2 hosts/);
  await page.getByRole('searchbox').fill('sshd');
  await page.getByTitle(TAMPERED).waitFor({ state: 'detached' });
  await page.getByTitle('/usr/sbin/sshd').waitFor();
  assert.equal(await rows.count(), 2);
  await page.getByRole('searchbox').fill('nobody has this');
  await page.getByText('Nothing has “nobody has this” in its path or digest').waitFor();
  await page.getByRole('button', { name: 'Show all' }).click();
  await page.getByTitle(TAMPERED).click();

  await page.getByText('Measured on 2 hosts').waitFor();
  await page.getByText('2 hosts have an open finding about it.').waitFor();
  for (const name of ['web-01', 'web-02']) await page.getByRole('link', { name }).waitFor();
  await page.getByRole('button', { name: 'Deny' }).click();
  const dialog = page.getByRole('dialog', { name: 'Deny this digest?' });
  await dialog.getByLabel('Why').fill('it is malware');
  await dialog.getByRole('button', { name: 'Simulate' }).click();
  await dialog.getByText('3 hosts keep their verdicts.').waitFor();
  await takePicture(page, 'journey-deny');
  await assertAccessible(page);
  await dialog.getByRole('button', { name: 'Propose it' }).click();
  await page.getByRole('heading', { name: 'Policy web' }).waitFor();
  await page.getByRole('region', { name: 'What changed' }).getByText('denied digest').waitFor();
  assertClean(record, verifier.url);
});

test('a list of indicators is asked for at once, and what nobody ran is an answer', options, async (t) => {
  const verifier = await patientVerifier(t);
  await hostsUnderPolicy(t, verifier, 'web', ['web-01']);
  const { page, record } = await newPage(t);
  await page.goto(`${verifier.url}/digests`);
  const never = digestOf('never');
  const known = programDigest('/usr/bin/bash');
  await write(page, 'Digests, or any text', `IOC list\n${known.slice(7)}  bash\n* ${never}, seen elsewhere`);
  await page.getByRole('button', { name: 'Ask' }).click();
  await page.getByRole('heading', { name: '1 of 2 digests ran somewhere' }).waitFor();
  assert.equal(new URL(page.url()).searchParams.get('list'), `${known},${never}`);
  await assertAccessible(page);
  await takePicture(page, 'journey-indicators');
  await page.reload();
  await page.getByRole('heading', { name: '1 of 2 digests ran somewhere' }).waitFor();
  await page.getByRole('link', { name: never.slice(0, 19) }).click();
  await page.getByText('Never measured').waitFor();
  await page.getByText(/^In 5 entries of 1 host, since/).waitFor();
  await page.goto(`${verifier.url}/digests`);
  await write(page, 'Digests, or any text', 'no digest here');
  await page.getByRole('button', { name: 'Ask' }).click();
  await page.getByText('No digest is in that').waitFor();
  assertClean(record, verifier.url);
});

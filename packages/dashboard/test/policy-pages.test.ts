import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { canonicalJson } from '@assay/core/bytes';
import { emptyReference } from '@assay/core/reference';
import { directorySource } from '@assay/verifier/policies';
import { browserMissing, newPage } from './browser.ts';
import { assertAccessible, assertClean, takePicture } from './checks.ts';
import { TOKENS, trustedHost, unverifiedHost } from './fleet.ts';
import { hostsUnderPolicy, patientVerifier, policyInForce, programDigest } from './people.ts';

const options = { skip: browserMissing };

const MANIFEST = JSON.stringify({
  schema: 'assay.policies-source.v1',
  policies: [{ name: 'web', file: 'v1.json', hosts: 'all' }],
});

test('a policy is edited: read as it is typed, compared, tried, and pushed as the next version', options, async (t) => {
  const verifier = await patientVerifier(t);
  await hostsUnderPolicy(t, verifier, 'web', ['web-01']);
  const { page, record } = await newPage(t);
  await page.goto(`${verifier.url}/policies#token=${TOKENS.operator}`);
  await page.getByRole('link', { name: 'Version 1' }).click();
  await page.getByRole('link', { name: 'Edit' }).click();
  await page.getByText('Nothing differs.').waitFor();
  const field = page.getByRole('textbox', { name: 'The document' });
  const text = await field.inputValue();
  await field.fill(text.replace('"denied": []', '"denied": [1]'));
  await page.getByText('Cannot be read').waitFor();
  assert.equal(await page.getByRole('button', { name: /^Push/ }).count(), 0);
  const denied = JSON.stringify([{ digest: programDigest('/usr/bin/bash'), reason: 'not any more' }]);
  await field.fill(text.replace('"denied": []', `"denied": ${denied}`));
  await page.getByText('denied digest').waitFor();
  await page.getByRole('button', { name: 'Simulate' }).click();
  const trial = page.getByRole('region', { name: 'What it would make of what was measured' });
  await trial.getByText('Would be refused').waitFor();
  await trial.getByText('/usr/bin/bash').waitFor();
  await takePicture(page, 'journey-edit');
  await assertAccessible(page);
  await page.getByRole('button', { name: 'Push as version 2' }).click();
  await page.getByRole('heading', { name: 'Policy web' }).waitFor();
  await page.getByText('Waits for activation').first().waitFor();
  assertClean(record, verifier.url);
});

test(
  'an IMA policy is answered rule by rule as it is typed, mended, and compared with what it was',
  options,
  async (t) => {
    const verifier = await patientVerifier(t);
    const { page, record } = await newPage(t);
    await page.goto(`${verifier.url}/ima-policy`);
    await page.getByRole('button', { name: 'ima_policy=tcb', exact: true }).click();
    await page.getByText(/^Loads: (\d+) of \1 rules$/).waitFor();
    const field = page.getByRole('textbox', { name: 'Rules, one on each line' });
    const tcb = await field.inputValue();
    await field.fill(`${tcb}measure func=NOPE\nmeasure func=FILE_CHECK mask=MAY_READ\n`);
    await page.getByText(/^Does not load: /).waitFor();
    const remarks = page.getByRole('region', { name: 'The kernel’s answer' }).getByRole('listitem');
    await remarks.filter({ hasText: 'Refused' }).first().waitFor();
    await page.getByRole('region', { name: 'What you changed' }).getByText('measure func=NOPE').waitFor();
    await page.getByLabel('For Linux').selectOption('5.10');
    assert.match(page.url(), /kernel=5\.10/);
    await takePicture(page, 'journey-ima-policy');
    await assertAccessible(page);
    await page.reload();
    assert.match(await field.inputValue(), /func=NOPE/);
    assertClean(record, verifier.url);
  },
);

test('versions that wait and the one in force are told apart, with the hosts of each policy', options, async (t) => {
  const verifier = await patientVerifier(t);
  await hostsUnderPolicy(t, verifier, 'web', ['web-01', 'web-02']);
  await policyInForce(verifier, 'db', []);
  const { page, record } = await newPage(t);
  await page.goto(`${verifier.url}/policies`);
  const web = page.getByRole('region', { name: 'web' });
  await web.getByText('In force').waitFor();
  await web.getByRole('link', { name: '2 hosts' }).click();
  await page.getByText('2 hosts', { exact: true }).first().waitFor();
  assert.match(page.url(), /\/hosts\?policy=web$/);
  assertClean(record, verifier.url);
});

test(
  'where policies come from a directory, the pages say so, and why what it has now is not applied',
  options,
  async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'assay-policies-'));
    t.after(() => rmSync(directory, { recursive: true, force: true }));
    const document = canonicalJson(emptyReference('web', 1, '2026-01-01T00:00:00Z'));
    writeFileSync(join(directory, 'v1.json'), document);
    writeFileSync(join(directory, 'assay-policies.json'), MANIFEST);
    const verifier = await patientVerifier(t, { policySource: { source: directorySource(directory), seconds: 1 } });
    const { page, record } = await newPage(t);
    const shows = async (text: RegExp): Promise<void> => {
      for (;;) {
        await page.goto(`${verifier.url}/policies`);
        await page
          .locator('main')
          .getByText(/^\d+ polic/)
          .waitFor();
        if ((await page.locator('main').getByText(text).count()) > 0) return;
      }
    };
    await shows(/^Managed in/);
    await shows(/^Version 1 from v1\.json at/);
    await assertAccessible(page);
    rmSync(join(directory, 'assay-policies.json'));
    await shows(/what is in force stays/);
    await page.getByRole('alert').getByText('Not applied').waitFor();
    await takePicture(page, 'policies-source-failed');
    await assertAccessible(page);
    assertClean(record, verifier.url);
  },
);

test('the page of a host says which policy it is under, and what to do where there is none', options, async (t) => {
  const verifier = await patientVerifier(t);
  await hostsUnderPolicy(t, verifier, 'web', ['web-01']);
  await unverifiedHost(t, verifier, 'bare-01');
  await trustedHost(t, verifier, 'own-01');
  const { page, record } = await newPage(t);
  await page.goto(`${verifier.url}/hosts/web-01`);
  await page.getByText('web@1', { exact: true }).waitFor();
  await page.getByRole('link', { name: 'Policy', exact: true }).click();
  await page.getByRole('heading', { name: 'web@1' }).waitFor();
  await page.getByRole('link', { name: 'All of this policy' }).waitFor();
  await assertAccessible(page);
  await page.goto(`${verifier.url}/hosts/bare-01?tab=policy`);
  await page.getByText('Nothing says what is good here').waitFor();
  await page
    .getByText(/^assay reference capture .*--host bare-01/)
    .first()
    .waitFor();
  await assertAccessible(page);
  await page.goto(`${verifier.url}/hosts/own-01?tab=policy`);
  await page.getByText('nobody signed it', { exact: false }).first().waitFor();
  await page.goto(`${verifier.url}/hosts/own-01?tab=measurements`);
  await page.getByRole('heading', { name: 'Measurements' }).waitFor();
  await page.locator('[data-entry="5"]').waitFor();
  assertClean(record, verifier.url);
});

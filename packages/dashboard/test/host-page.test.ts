import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { browserMissing, newPage } from './browser.ts';
import { assertAccessible, assertClean, assertFitsWindow, takePicture } from './checks.ts';
import { failedHost, LiveHost, trustedHost, verifierFor } from './fleet.ts';

const options = { skip: browserMissing };
const ASSAY = fileURLToPath(new URL('../../cli/bin/assay.js', import.meta.url));

const LOOKS = [
  { colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  { colorScheme: 'dark', viewport: { width: 360, height: 740 } },
] as const;

const TABS = [
  { tab: 'timeline', text: 'Became failed' },
  { tab: 'boot', text: 'PCR 10, measurement list' },
  { tab: 'identity', text: 'Identifier' },
  { tab: 'evidence', text: 'Download web-03.evidence.json' },
];

test('each part of the page of a host is accessible and in order in both themes', options, async (t) => {
  const verifier = await verifierFor(t, { staleAfterSeconds: 600 });
  await failedHost(t, verifier, 'web-03');
  for (const { colorScheme, viewport } of LOOKS) {
    const { page, record } = await newPage(t, { colorScheme, viewport });
    for (const { tab, text } of TABS) {
      await page.goto(`${verifier.url}/hosts/web-03?tab=${tab}`);
      await page.getByText(text).first().waitFor();
      await takePicture(page, `host-${tab}-${colorScheme}-${viewport.width}`);
      await assertFitsWindow(page);
      await assertAccessible(page);
    }
    assertClean(record, verifier.url);
  }
});

test('a host that has sent nothing says so in each part', options, async (t) => {
  const verifier = await verifierFor(t);
  await LiveHost.enrol(t, verifier, 'web-03');
  const { page } = await newPage(t);
  for (const tab of ['boot', 'evidence']) {
    await page.goto(`${verifier.url}/hosts/web-03?tab=${tab}`);
    await page.getByText('Comes with the first evidence.').last().waitFor();
  }
  await page.goto(`${verifier.url}/hosts/web-03?tab=timeline`);
  await page.getByText('Became pending').waitFor();
});

test('a renewed attestation key stands on the timeline and among what the host is', options, async (t) => {
  const verifier = await verifierFor(t);
  const host = await trustedHost(t, verifier, 'web-03');
  await host.renewKey();
  const { page } = await newPage(t);
  await page.goto(`${verifier.url}/hosts/web-03?tab=timeline`);
  await page.getByText('Attestation key renewed').waitFor();
  await page.goto(`${verifier.url}/hosts/web-03?tab=identity`);
  await page.getByText('Attestation key: Since').waitFor();
});

test(
  'how a host started: Secure Boot, command line, PCRs that the log explains, and its events',
  options,
  async (t) => {
    const verifier = await verifierFor(t, { staleAfterSeconds: 600 });
    await failedHost(t, verifier, 'web-03');
    const { page } = await newPage(t);
    await page.goto(`${verifier.url}/hosts/web-03?tab=boot`);
    const boot = page.getByRole('region', { name: 'This boot' });
    await boot.getByText('Proved', { exact: true }).waitFor();
    await boot.getByText('On', { exact: true }).waitFor();
    await boot.getByText('/vmlinuz-6.12 root=/dev/vda1 ro ima_policy=tcb lockdown=integrity').first().waitFor();
    await boot.getByText('is that of PCR 0 to 9 of the log').waitFor();
    assert.equal(await page.locator('[data-state="agrees"]').count(), 11);
    const shim = page.getByRole('row', { name: /shimx64\.efi/ });
    await shim.getByText('A hint: the digest is of something else').waitFor();
  },
);

test('the timeline goes back to how the host stood, by an address that can be sent', options, async (t) => {
  const verifier = await verifierFor(t, { staleAfterSeconds: 600 });
  await failedHost(t, verifier, 'web-03');
  const { page } = await newPage(t);
  await page.goto(`${verifier.url}/hosts/web-03?tab=timeline`);
  await page.getByRole('region', { name: 'How it stands' }).getByText('6 entries').waitFor();
  await page.getByRole('link', { name: 'Became trusted' }).click();
  const then = page.getByRole('region', { name: 'How it stood then' });
  await then.getByText('Trusted', { exact: true }).waitFor();
  await then.getByText('5 entries', { exact: true }).waitFor();
  const list = page.getByRole('region', { name: 'Its measurement list then' });
  await list.getByText('5 entries', { exact: true }).waitFor();
  await list.locator('[data-entry="5"][data-status="known"]').waitFor();
  assert.equal(await list.locator('[data-entry="6"]').count(), 0);
  await page.getByRole('link', { name: 'Became failed' }).click();
  await list.locator('[data-entry="6"][data-status="unknown"]').waitFor();
  await takePicture(page, 'host-timeline-then');
  await assertFitsWindow(page);
  await assertAccessible(page);
  await page.getByRole('link', { name: 'Became unverified' }).click();
  await list.locator('[data-entry="5"][data-status="unjudged"]').waitFor();
  await page.getByRole('link', { name: 'Became trusted' }).click();
  await page.reload();
  await then.getByText('Trusted', { exact: true }).waitFor();
});

/** Exit code and output of `assay evidence verify FILE`. */
async function verified(file: string): Promise<{ code: number | null; text: string }> {
  const child = spawn(process.execPath, [ASSAY, 'evidence', 'verify', file, '-o', 'json']);
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, text: `${out}${err}` };
}

test('what is downloaded verifies without the verifier, and not when anything in it is another', options, async (t) => {
  const verifier = await verifierFor(t, { staleAfterSeconds: 600 });
  await failedHost(t, verifier, 'web-03');
  const { page } = await newPage(t);
  await page.goto(`${verifier.url}/hosts/web-03?tab=evidence`);
  const downloading = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download web-03.evidence.json' }).click();
  const download = await downloading;
  assert.equal(download.suggestedFilename(), 'web-03.evidence.json');
  const directory = await mkdtemp(join(tmpdir(), 'assay-bundle-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  const file = join(directory, 'web-03.evidence.json');
  await download.saveAs(file);
  await verifier.close();
  const good = await verified(file);
  assert.equal(good.code, 0, good.text);
  assert.match(good.text, /"verified": ?true/);
  const text = await readFile(file, 'utf8');
  const nonce = /"nonce":"([0-9a-f]{64})"/.exec(text)?.[1] ?? '';
  const changes = [
    ['QUOTE-NONCE', text.replace(nonce, '0'.repeat(64))],
    ['QUOTE-PCR-DIGEST', text.replace(/"10":"[0-9a-f]{64}"/, `"10":"${'0'.repeat(64)}"`)],
    ['IMA-', text.replace(/("entries":")[A-Za-z0-9+/]{24}/, '$1AAAAAAAAAAAAAAAAAAAAAAAA')],
  ] as const;
  for (const [code, changed] of changes) {
    assert.notEqual(changed, text);
    await writeFile(file, changed);
    const bad = await verified(file);
    assert.notEqual(bad.code, 0, code);
    assert.ok(bad.text.includes(code) || code === 'IMA-', bad.text);
  }
  await writeFile(file, '{"schema":"assay.evidence-bundle.v1"}');
  assert.equal((await verified(file)).code, 3);
});

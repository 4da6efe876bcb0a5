import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ROUTES, route } from '@assay/wire';
import { canonicalJson } from '@assay/core/bytes';
import { emptyReference } from '@assay/core/reference';
import { browserMissing, newPage } from './browser.ts';
import { assertClean, assertHarmless, takePicture } from './checks.ts';
import { TOKENS } from './fleet.ts';
import { hostsUnderPolicy, patientVerifier, post, programDigest } from './people.ts';

const SCRIPT = '/tmp/<script>window.attacked = true</script>';
const HOSTILE = [
  SCRIPT,
  '/tmp/<img src=x onerror="window.attacked = true">',
  '/tmp/\u202egnp.exe\u2066',
  '/tmp/\u001b[31mred\r\nnext',
  `/tmp/${'long'.repeat(1000)}`,
  '/tmp/javascript:alert(1)',
];

/** A policy whose texts are what somebody hostile would push. */
function hostileDocument(version: number): string {
  const reason = '<b onmouseover="window.attacked = true">reason</b>';
  const denied = [{ digest: programDigest(SCRIPT), reason }];
  return canonicalJson({ ...emptyReference('web', version, '2026-01-01T00:00:00Z'), note: reason, denied });
}

for (const width of [1280, 360]) {
  test(`what hosts and people wrote is text on every page, ${width} px wide`, { skip: browserMissing }, async (t) => {
    const verifier = await patientVerifier(t);
    const [host] = await hostsUnderPolicy(t, verifier, 'web', ['web-01']);
    assert.ok(host !== undefined);
    await host.execute(...HOSTILE);
    await host.attest();
    await post(verifier, ROUTES.policies, TOKENS.operator, { document: hostileDocument(2) });
    const body = { reason: '<i>known</i> & </bdi>', until: new Date(Date.now() + 3_600_000).toISOString() };
    await post(verifier, route(ROUTES.findingAcknowledgement, 'F-1'), TOKENS.operator, body);
    const { page, record } = await newPage(t, { viewport: { width, height: 800 } });
    await page.goto(`${verifier.url}/findings#token=${TOKENS.operator}`);
    await page.getByText(`${HOSTILE.length} causes, ${HOSTILE.length} findings`).waitFor();
    await assertHarmless(page);
    for (const [path, shown] of [
      ['/findings/F-1', '<i>known</i> & </bdi>'],
      ['/findings/F-5', 'List entry'],
      ['/measurements', /^11 different entries/],
      [`/digests/${programDigest(SCRIPT)}`, 'Measured on 1 host'],
      ['/policies/web?version=2', 'denied digest'],
      ['/policies/web/edit?version=2', 'Can be read'],
      ['/audit?entry=5', /<i>known<\/i>/],
      ['/alerts', /alerts$/],
      ['/findings?q=%3Cscript%3E', '1 cause, 1 finding'],
    ] as const) {
      await page.goto(`${verifier.url}${path}`);
      await page.getByText(shown).first().waitFor();
      await assertHarmless(page);
    }
    await page.goto(`${verifier.url}/findings/F-1`);
    await page.getByText(SCRIPT).first().waitFor();
    await takePicture(page, `hostile-finding-${width}`);
    assertClean(record, verifier.url);
  });
}

test('addresses that nobody would write show a page, and nothing of them runs', { skip: browserMissing }, async (t) => {
  const verifier = await patientVerifier(t);
  const { page, record } = await newPage(t);
  const script = encodeURIComponent('<img src=x onerror="window.attacked = true">');
  for (const path of [
    `/findings/${script}`,
    `/findings?q=${script}&state=x&severity=y&sort=-nope`,
    `/digests/${script}`,
    `/digests?list=${script}`,
    `/policies/${script}?version=-1&boots=x`,
    `/policies/${script}/edit?version=99999999999999999999`,
    `/measurements?q=${script}&order=z&most=-1`,
    `/ima-policy?kernel=${script}&options=${script}`,
    `/audit?entry=x&q=${script}`,
  ]) {
    await page.goto(`${verifier.url}${path}#token=${TOKENS.operator}`);
    await page.locator('h1').first().waitFor();
    await assertHarmless(page);
  }
  record.complaints.splice(0);
  assertClean(record, verifier.url);
});

import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { canonicalJson } from '@assay/core/bytes';
import { emptyReference } from '@assay/core/reference';
import { SimulatedHost } from '@assay/testkit/evidence';
import type { Verifier } from '@assay/verifier';
import { ROUTES, route } from '@assay/wire';
import { browserMissing, newPage } from './browser.ts';
import { assertClean, assertHarmless } from './checks.ts';
import { TOKENS } from './fleet.ts';
import { digestOf, hostsUnderPolicy, patientVerifier, post, programDigest, tokenOf } from './people.ts';

const filled = (text: string, length: number): string => text.repeat(Math.ceil(length / text.length)).slice(0, length);

const ATTACK = '<img src=x onerror="window.attacked = true"> ';
const MEGABYTE = filled(`${ATTACK}\u202e\u0007`, 1_000_000);

/** The longest reason that reference values may have, and so many that they are a megabyte together. */
const REASON = filled(ATTACK, 4096);
const REASONS = 256;

/** About the longest path that a kernel measures; each character of it is shown escaped. */
const PATH = `/tmp/${filled('\u202e', 1300)}`;

interface Sent {
  readonly path: string;
  readonly body: unknown;
}

/** Where people and agents can say something, each with a megabyte of it. */
async function tooLong(t: TestContext): Promise<Readonly<Record<string, Sent>>> {
  const host = await SimulatedHost.boot({ name: 'new-01' });
  t.after(() => host.tpm.close());
  const enrolment = await host.enrolRequest();
  const denied = [{ digest: digestOf('any'), reason: MEGABYTE }];
  const until = new Date(Date.now() + 3_600_000).toISOString();
  const document = canonicalJson({ ...emptyReference('web', 3, '2026-01-01T00:00:00Z'), denied });
  const certificate = Buffer.from(MEGABYTE).toString('base64');
  return {
    'a label': { path: route(ROUTES.labels, 'web-01'), body: { labels: { role: MEGABYTE } } },
    'the name of an enrolment': { path: ROUTES.enrol, body: { ...enrolment, name: MEGABYTE } },
    'a certificate': { path: ROUTES.enrol, body: { ...enrolment, ekCertificates: [certificate] } },
    'a reason of a policy': { path: ROUTES.policies, body: { document } },
    'why a finding is known': { path: route(ROUTES.findingAcknowledgement, 'F-1'), body: { reason: MEGABYTE, until } },
    'why a finding is over': { path: route(ROUTES.findingResolution, 'F-1'), body: { reason: MEGABYTE } },
    'a note on an enrolment': { path: route(ROUTES.enrolmentApproval, 'E-1'), body: { note: MEGABYTE } },
    'a note on a capture': { path: route(ROUTES.captures, 'web-01'), body: { note: MEGABYTE } },
    'the name of a token': { path: ROUTES.tokens, body: { name: MEGABYTE, role: 'viewer' } },
  };
}

test('a megabyte is refused wherever somebody can say something', async (t) => {
  const verifier = await patientVerifier(t);
  const [host] = await hostsUnderPolicy(t, verifier, 'web', ['web-01']);
  assert.ok(host !== undefined);
  for (const [what, { path, body }] of Object.entries(await tooLong(t))) {
    const token = path === ROUTES.enrol ? TOKENS.join : TOKENS.operator;
    await assert.rejects(post(verifier, path, token, body), /^Error: 4(00|13|22) /, what);
  }
  await host.execute(`/tmp/${MEGABYTE}`);
  await assert.rejects(host.attest(), /LIST-FIELD: .* is \d+ bytes long/);
});

/** A denied program with the longest path ran, and each reason of the policy is as long as it may be. */
async function verifierWithLongTexts(t: TestContext): Promise<Verifier> {
  const verifier = await patientVerifier(t);
  const [host] = await hostsUnderPolicy(t, verifier, 'web', ['web-01']);
  assert.ok(host !== undefined);
  const digests = [programDigest(PATH), ...Array.from({ length: REASONS - 1 }, (_, index) => digestOf(`${index}`))];
  const denied = digests
    .map((digest) => ({ digest, reason: REASON }))
    .toSorted((a, b) => (a.digest < b.digest ? -1 : 1));
  const document = canonicalJson({ ...emptyReference('web', 2, '2026-01-01T00:00:00Z'), note: REASON, denied });
  assert.ok(document.length > 1_000_000);
  await post(verifier, ROUTES.policies, await tokenOf(verifier, 'olga', 'operator'), { document });
  await post(verifier, route(ROUTES.policyActivation, 'web'), TOKENS.operator, { version: 2, hosts: [] });
  await host.execute(PATH);
  await host.attest();
  return verifier;
}

/** Characters of text that a page has at most, where each long one is cut. */
const MOST = 40_000;

test('the longest texts that come in are cut on every page, and all of them is there for who asks', {
  skip: browserMissing,
}, async (t) => {
  const verifier = await verifierWithLongTexts(t);
  const { page, record } = await newPage(t);
  await page.goto(`${verifier.url}/ima-policy#token=${TOKENS.operator}`);
  for (const [path, shown] of [
    ['/hosts', '1 host'],
    ['/hosts/web-01', 'Chain of trust'],
    ['/hosts/web-01?tab=timeline', 'What happened'],
    ['/hosts/web-01?tab=policy', 'web@2'],
    ['/findings', /finding/],
    ['/measurements', /different entries/],
    [`/digests/${programDigest(PATH)}`, 'Measured on 1 host'],
    ['/policies', '2 versions'],
    ['/policies/web?version=2&from=1', 'denied digest'],
    ['/alerts', /alert/],
    ['/audit?entry=5', 'Unbroken'],
  ] as const) {
    await page.goto(verifier.url + path);
    await page.locator('main').getByText(shown).first().waitFor();
    await assertHarmless(page);
    const length = await page.evaluate(() => document.body.textContent?.length ?? 0);
    assert.ok(length < MOST, `${path} has ${length} characters`);
  }
  await page.goto(`${verifier.url}/hosts/web-01`);
  const article = page.getByRole('article').filter({ hasText: 'IMA-DENIED-DIGEST' });
  await article
    .getByRole('button', { name: /^Show all \d+ characters$/ })
    .first()
    .click();
  await article.getByRole('button', { name: 'Show less' }).waitFor();
  await assertHarmless(page);
  assertClean(record, verifier.url);
});

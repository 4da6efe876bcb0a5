import { test } from 'node:test';
import { browserMissing, newPage } from './browser.ts';
import { trustedHost, verifierOptions } from './fleet.ts';
import { patientVerifier, tokenOf } from './people.ts';
import { ASKING, assertLooks, openLive, problemIn } from './states.ts';
import { busyVerifier, type Shown } from './visits.ts';

const options = { skip: browserMissing };

const STALE: readonly Shown[] = [
  { name: 'fleet', path: '/', text: '0 of 2 hosts are trusted' },
  { name: 'hosts', path: '/hosts?verdict=stale', text: '2 hosts' },
  { name: 'host', path: '/hosts/web-01', text: 'No fresh evidence since' },
];

test('pages of hosts that fell silent show no verdict that rests on fresh evidence', options, async (t) => {
  const verifier = await patientVerifier(t, { staleAfterSeconds: 1 });
  for (const name of ['web-01', 'web-02']) await trustedHost(t, verifier, name);
  const page = await openLive(t, verifier);
  for (const shown of STALE) {
    await page.goto(verifier.url + shown.path);
    await page.getByText(shown.text).first().waitFor();
    await assertLooks(page, `${shown.name}-stale`);
  }
});

const UNKNOWN: readonly Shown[] = [
  { name: 'host', path: '/hosts/nobody', text: 'No host is called nobody' },
  { name: 'finding', path: '/findings/F-999', text: 'There is no finding F-999.' },
  { name: 'policy', path: '/policies/nothing', text: 'There is no such version' },
  { name: 'policy-edit', path: '/policies/nothing/edit', text: 'There is no version 1 of nothing.' },
  { name: 'digest', path: `/digests/sha256:${'0'.repeat(64)}`, text: 'Never measured' },
  { name: 'hosts', path: '/hosts?q=nobody', text: 'None of 3 hosts is like that' },
  { name: 'findings', path: '/findings?q=nobody', text: 'is like that' },
  { name: 'measurements', path: '/measurements?q=nobody', text: 'Nothing has “nobody” in its path or digest' },
  { name: 'audit', path: '/audit?q=nobody', text: 'No entry says that' },
  { name: 'page', path: '/nowhere', text: 'There is no page at this address' },
];

test('what there is not is told as that, on each page', options, async (t) => {
  const verifier = await busyVerifier(t);
  const page = await openLive(t, verifier);
  for (const shown of UNKNOWN) {
    await page.goto(verifier.url + shown.path);
    await page.locator('main').getByText(shown.text).first().waitFor();
    await assertLooks(page, `${shown.name}-unknown`);
  }
});

test(
  'without a token no page shows anything off the loopback, and with one that may read, all but the audit',
  options,
  async (t) => {
    const verifier = await busyVerifier(t, { ...verifierOptions(t), host: '0.0.0.0' });
    const local = { ...verifier, url: `http://127.0.0.1:${verifier.port}` };
    const reader = await tokenOf(local, 'reader', 'viewer');
    const { page } = await newPage(t);
    for (const shown of ASKING) {
      await page.goto(local.url + shown.path);
      await problemIn(page).getByText('This verifier wants the operator’s token').waitFor();
      await assertLooks(page, `${shown.name}-no-token`);
    }
    await page.goto(`${local.url}/?again#token=${reader}`);
    for (const shown of ASKING) {
      await page.goto(local.url + shown.path);
      const answer = shown.name === 'audit' ? /reader has the role viewer/ : shown.text;
      await page.getByText(answer).first().waitFor();
    }
  },
);

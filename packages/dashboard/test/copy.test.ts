import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Verifier } from '@assay/verifier';
import {
  AlertList,
  DigestDocument,
  EnrolmentList,
  FindingDocument,
  FindingList,
  FleetDocument,
  FleetMeasurementList,
  HostBoot,
  HostList,
  HostTimeline,
  PolicyList,
  PolicySimulation,
} from '@assay/wire';
import type { Page } from 'playwright-core';
import { browserMissing, newPage } from './browser.ts';
import { copiedFrom, Shell } from './copied.ts';
import { TAMPERED, TOKENS } from './fleet.ts';
import { programDigest } from './people.ts';
import { busyVerifier } from './visits.ts';

const options = { skip: browserMissing };

interface Copied {
  readonly page: Page;
  readonly shell: Shell;
  /** What was on the clipboard. */
  readonly line: string;
  /** What the command wrote, run as it was copied. */
  readonly output: string;
}

interface Case {
  readonly path: string;
  readonly text: string | RegExp;
  /** What is copied, without the address. */
  readonly command: string;
  /** That page and command say the same. */
  readonly agree: (copied: Copied) => Promise<void>;
}

const DIGEST = programDigest(TAMPERED);
const NEVER = `sha256:${'0'.repeat(64)}`;
const RULES = 'measure func=BPRM_CHECK\nmeasure func=NOTHING # it’s wrong\n';

/** The texts of what a locator finds, in order. */
const textsOf = (page: Page, selector: string): Promise<string[]> => page.locator(selector).allInnerTexts();

/** The names in the first column of the table of the page, by name. */
const namesIn = async (page: Page): Promise<string[]> => (await textsOf(page, '[role=grid] a bdi')).toSorted();

const lead = async (page: Page): Promise<string> => (await textsOf(page, 'h1 + p')).join();

async function agreeOnHosts({ page, shell, line, output }: Copied): Promise<void> {
  const { hosts } = await shell.document(line, HostList);
  const names = await namesIn(page);
  assert.deepEqual(hosts.map(({ name }) => name).toSorted(), names);
  for (const name of names) assert.match(output, new RegExp(`^${name} `, 'm'));
}

async function agreeOnFindings({ page, shell, line, output }: Copied): Promise<void> {
  const { findings } = await shell.document(line, FindingList);
  const causes = await textsOf(page, '[role=grid] a bdi');
  const said = findings.map(({ sentence }) => sentence);
  assert.deepEqual([...new Set(said)].toSorted(), causes.toSorted());
  assert.match(await lead(page), new RegExp(`, ${findings.length} findings?`));
  for (const cause of causes) assert.ok(output.includes(cause), output);
}

async function agreeOnHost({ page, output }: Copied): Promise<void> {
  const rungs = await textsOf(page, 'section[aria-labelledby=ladder] li span[title]');
  assert.equal(rungs.length, 7);
  for (const said of [...rungs, ...(await textsOf(page, 'article h3'))]) assert.ok(output.includes(said), said);
}

async function agreeOnMeasurements({ page, shell, line, output }: Copied): Promise<void> {
  const { measurements, counted } = await shell.document(line, FleetMeasurementList);
  const paths = await page.locator('[role=grid] a').allTextContents();
  assert.deepEqual(
    measurements.map(({ path }) => path),
    paths,
  );
  assert.ok((await lead(page)).startsWith(`${counted.entries} different entries`));
  for (const { digest } of measurements) assert.ok(output.includes(digest));
}

const CASES: readonly Case[] = [
  {
    path: '/',
    text: '2 of 3 hosts failed',
    command: 'assay fleet show',
    agree: async ({ page, shell, line, output }) => {
      const { verdicts, causes } = await shell.document(line, FleetDocument);
      assert.deepEqual([verdicts.failed, verdicts.trusted], [2, 1]);
      assert.match(output, /^3 hosts: 1 trusted, 2 failed$/m);
      const shown = await textsOf(page, '[aria-labelledby=causes] li p a[href^="/findings"]');
      assert.deepEqual(
        causes.map(({ sentence }) => sentence),
        shown,
      );
      for (const cause of shown) assert.ok(output.includes(cause));
    },
  },
  { path: '/hosts', text: '3 hosts', command: 'assay hosts get', agree: agreeOnHosts },
  {
    path: '/hosts?minAge=0&maxAge=86400',
    text: '3 hosts',
    command: 'assay hosts get --min-age 0 --max-age 86400',
    agree: agreeOnHosts,
  },
  {
    path: '/hosts?verdict=failed,stale&label=&q=web',
    text: '2 of 3 hosts',
    command: 'assay hosts get --verdict failed stale --text web',
    agree: agreeOnHosts,
  },
  {
    path: `/hosts?q=${encodeURIComponent("o'clock; $(false) `false`\u001b[201~\n")}`,
    text: 'None of 3 hosts is like that',
    command: "assay hosts get --text $'o\\'clock; $(false) `false`\\u001b[201~\\u000a'",
    agree: async ({ output }) => assert.equal(output, 'None of 3 hosts is like that.\n'),
  },
  { path: '/hosts/web-01', text: 'Chain of trust', command: 'assay hosts get web-01', agree: agreeOnHost },
  {
    path: '/hosts/web-01?tab=timeline',
    text: 'What happened',
    command: 'assay hosts timeline web-01',
    agree: async ({ page, shell, line, output }) => {
      const { findings, verdicts } = await shell.document(line, HostTimeline);
      assert.equal(await page.locator('[data-kind=opened]').count(), findings.length);
      assert.equal(await page.locator('[data-kind=verdict]').count(), verdicts.length);
      for (const detail of await textsOf(page, '[data-kind=opened] p:last-child')) assert.ok(output.includes(detail));
    },
  },
  {
    path: '/hosts/web-01?tab=boot',
    text: /What it started|Boot event log|Secure Boot/,
    command: 'assay hosts boot web-01',
    agree: async ({ page, shell, line }) => {
      const { log, pcrs } = await shell.document(line, HostBoot);
      const said = await page.locator('main').innerText();
      assert.ok(said.includes(log.sentence), said);
      assert.ok(pcrs.length > 0);
    },
  },
  { path: '/findings', text: '1 cause, 2 findings', command: 'assay findings list', agree: agreeOnFindings },
  {
    path: `/findings?severity=failed&notice=new&code=IMA-UNKNOWN-DIGEST&q=${encodeURIComponent(DIGEST)}`,
    text: '1 cause, 2 findings',
    command: `assay findings list --severity failed --new --code IMA-UNKNOWN-DIGEST --text ${DIGEST}`,
    agree: agreeOnFindings,
  },
  {
    path: '/findings?state=closed',
    text: 'Nothing was ever closed',
    command: 'assay findings list --closed',
    agree: async ({ output }) => assert.equal(output, 'There were no findings like that.\n'),
  },
  {
    path: '/findings/F-1',
    text: 'List entry',
    command: 'assay findings show F-1',
    agree: async ({ page, shell, line, output }) => {
      const { finding } = await shell.document(line, FindingDocument);
      assert.deepEqual(await textsOf(page, 'article h3'), [finding.sentence]);
      assert.ok(output.includes(finding.sentence) && finding.evidence.digest === DIGEST);
    },
  },
  { path: '/measurements', text: /^6 different/, command: 'assay digest list', agree: agreeOnMeasurements },
  {
    path: '/measurements?order=common&most=2&q=tmp',
    text: /^6 different/,
    command: 'assay digest list --text tmp --order common --most-hosts 2',
    agree: agreeOnMeasurements,
  },
  {
    path: `/digests/${DIGEST}`,
    text: 'Measured on 2 hosts',
    command: `assay digest who ${DIGEST}`,
    agree: async ({ page, shell, line }) => {
      const { sightings } = await shell.document(line, DigestDocument);
      assert.deepEqual(sightings.map(({ host }) => host.name).toSorted(), await namesIn(page));
    },
  },
  { path: '/digests', text: 'Digests, or any text', command: 'assay digest list', agree: async () => undefined },
  {
    path: `/digests?list=${DIGEST},${NEVER}`,
    text: '1 of 2 digests ran somewhere',
    command: `assay digest who ${DIGEST} ${NEVER}`,
    agree: async ({ output }) => {
      assert.ok(output.includes(`${DIGEST} was measured on 2 hosts:`), output);
      assert.ok(output.includes(`${NEVER} was never measured.`), output);
    },
  },
  {
    path: '/policies',
    text: '1 policy, 1 version',
    command: 'assay policies get',
    agree: async ({ page, shell, line, output }) => {
      const { policies, hosts } = await shell.document(line, PolicyList);
      assert.deepEqual(
        policies.map(({ name }) => name),
        await textsOf(page, '[data-policy] h2'),
      );
      assert.equal(hosts['web'], 3);
      assert.match(output, /^web +1 /m);
    },
  },
  {
    path: '/policies/web?boots=all',
    text: '3 hosts keep their verdicts.',
    command: 'assay policies simulate web 1 --boots all',
    agree: async ({ shell, line }) => {
      const { hosts } = await shell.document(line, PolicySimulation);
      assert.equal(hosts.filter(({ before, after }) => before === after).length, 3);
    },
  },
  {
    path: '/policies/web/edit?version=1',
    text: 'Nothing differs.',
    command: 'assay policies fetch web 1 --out web-1.json',
    agree: async ({ page, shell }) => {
      const fetched: unknown = JSON.parse(readFileSync(join(shell.directory, 'web-1.json'), 'utf8'));
      const shown: unknown = JSON.parse(await page.locator('textarea').inputValue());
      assert.deepEqual({ ...Object(fetched), version: 2 }, shown);
    },
  },
  {
    path: '/ima-policy?kernel=6.1',
    text: 'Refused',
    command: `assay policy check - --kernel 6.1 --config debian <<'END'\n${RULES}END\n`,
    agree: async ({ page, output }) => {
      const codes = await page
        .locator('li[data-code]')
        .evaluateAll((rows) => rows.map((row) => row.getAttribute('data-code')));
      assert.ok(codes.length > 0);
      for (const code of codes) assert.ok(output.includes(String(code)), output);
      assert.match(output, /accepts 1 of 2 rules/);
    },
  },
  {
    path: '/enrol?state=all',
    text: 'No machine ever waited for a decision.',
    command: 'assay enrolments list --only all',
    agree: async ({ shell, line }) => assert.equal((await shell.document(line, EnrolmentList)).enrolments.length, 0),
  },
  {
    path: '/alerts',
    text: '1 alert',
    command: 'assay alerts list',
    agree: async ({ page, shell, line }) => {
      const { alerts } = await shell.document(line, AlertList);
      assert.deepEqual(
        alerts.map(({ sentence }) => sentence),
        await textsOf(page, '[role=grid] a bdi'),
      );
    },
  },
  {
    path: '/audit',
    text: 'Unbroken',
    command: 'assay audit verify',
    agree: async ({ page, output }) => {
      const [, entries] = /^(\d+) entries, none changed/.exec(output) ?? [];
      assert.equal(await lead(page), `${entries} entries`);
    },
  },
  {
    path: '/audit?q=policy.activate',
    text: 'policy.activate',
    command: 'assay audit show --text policy.activate',
    agree: async ({ page, output }) =>
      assert.equal(output.trim().split('\n').length - 1, (await textsOf(page, '[role=grid] a code')).length),
  },
  {
    path: '/health',
    text: 'In time',
    command: 'assay verifier status',
    agree: async ({ page, output }) => {
      assert.match(output, /in time .*\n3 hosts, 2 open findings, 1 open alert,/);
      const [, version = '?'] = /^Verifier (.+)$/.exec(await lead(page)) ?? [];
      assert.ok(output.startsWith(`verifier ${version} `), output);
    },
  },
];

async function copyAndRun(page: Page, verifier: Verifier, shell: Shell, shown: Case): Promise<void> {
  await page.goto(verifier.url + shown.path);
  await page.locator('main').getByText(shown.text).first().waitFor();
  const line = await copiedFrom(page);
  assert.equal(line.replace(` --url ${verifier.url}`, ''), shown.command);
  await shown.agree({ page, shell, line, output: await shell.run(line) });
}

test('what each page copies runs as it is, and says what the page shows', options, async (t) => {
  const verifier = await busyVerifier(t);
  const shell = new Shell(t);
  const { page } = await newPage(t, { permissions: ['clipboard-read', 'clipboard-write'] });
  await page.addInitScript((rules) => sessionStorage.setItem('assay.ima-policy', rules), RULES);
  await page.goto(`${verifier.url}/ima-policy#token=${TOKENS.operator}`);
  for (const shown of CASES) {
    await t.test(shown.path, () => copyAndRun(page, verifier, shell, shown));
  }
});

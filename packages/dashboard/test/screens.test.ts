import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Verifier } from '@assay/verifier';
import type { Page } from 'playwright-core';
import { browserMissing, newPage } from './browser.ts';
import { assertAccessible, assertClean, assertFitsWindow, takePicture } from './checks.ts';
import { failedHost, LiveHost, TAMPERED, trustedHost, unverifiedHost, verifierFor } from './fleet.ts';

const HOST = 'web-03';
const DESKTOP = { width: 1280, height: 800 };
const PHONE = { width: 360, height: 740 };
const WALL = { width: 2560, height: 1440 };
const LOOKS = [
  { colorScheme: 'light', viewport: DESKTOP },
  { colorScheme: 'dark', viewport: DESKTOP },
  { colorScheme: 'light', viewport: PHONE },
  { colorScheme: 'dark', viewport: PHONE },
  { colorScheme: 'light', viewport: WALL },
] as const;

async function assertVerdict(page: Page, word: string, sentence: RegExp): Promise<void> {
  const panel = page.getByRole('region', { name: `${HOST} ${word}` });
  await panel.getByRole('heading', { level: 1, name: word }).waitFor();
  await panel.getByText(sentence).first().waitFor();
  await panel.getByText(/^Evidence \d+ s ago$/).waitFor();
  await panel.getByText('Simulated TPM').waitFor();
  await panel.getByText(/No hardware root of trust/).waitFor();
}

async function assertLadder(page: Page, states: readonly string[]): Promise<void> {
  const rungs = page.getByRole('region', { name: 'Chain of trust' }).getByRole('listitem');
  await rungs.nth(6).waitFor();
  const words = await rungs.evaluateAll((items) => items.map((item) => item.getAttribute('data-state')));
  assert.deepEqual(words, states);
}

const CLIMBED = ['warning', 'ok', 'ok', 'ok', 'ok'];

interface Screen {
  readonly prepare: (t: TestContext, verifier: Verifier) => Promise<unknown>;
  readonly shows: (page: Page) => Promise<void>;
}

const SCREENS: Readonly<Record<string, Screen>> = {
  empty: {
    prepare: async () => undefined,
    shows: async (page) => {
      await page.getByRole('heading', { level: 1, name: 'No host yet' }).waitFor();
      await page.getByText('npx assay up').waitFor();
    },
  },
  pending: {
    prepare: (t, verifier) => LiveHost.enrol(t, verifier, HOST),
    shows: async (page) => {
      await page.getByRole('heading', { level: 1, name: 'Pending' }).waitFor();
      await page.getByText('Nothing measured yet').waitFor();
      await assertLadder(page, ['warning', 'ok', 'waiting', 'waiting', 'waiting', 'waiting', 'waiting']);
    },
  },
  unverified: {
    prepare: (t, verifier) => unverifiedHost(t, verifier, HOST),
    shows: async (page) => {
      await assertVerdict(page, 'Unverified', /5 entries verified against the TPM/);
      await assertLadder(page, [...CLIMBED, 'waiting', 'waiting']);
      await page.getByText(`assay reference capture --url ${new URL(page.url()).origin} --host ${HOST}`).waitFor();
      await page.getByText('Nothing is compared yet').waitFor();
    },
  },
  trusted: {
    prepare: (t, verifier) => trustedHost(t, verifier, HOST),
    shows: async (page) => {
      await assertVerdict(page, 'Trusted', /Everything measured in this boot/);
      await assertLadder(page, [...CLIMBED, 'ok', 'warning']);
      await page.getByText(/All 5 entries of the list agree/).waitFor();
    },
  },
  failed: {
    prepare: (t, verifier) => failedHost(t, verifier, HOST),
    shows: async (page) => {
      await assertVerdict(page, 'Failed', new RegExp(TAMPERED));
      await assertLadder(page, [...CLIMBED, 'failed', 'warning']);
      const finding = page.getByRole('region', { name: 'Findings' }).getByRole('article');
      await finding.getByText('IMA-UNKNOWN-DIGEST').waitFor();
      await finding.getByRole('heading', { name: TAMPERED }).waitFor();
      await page.locator('[data-status="unknown"]').getByTitle(TAMPERED).waitFor();
    },
  },
};

for (const [name, screen] of Object.entries(SCREENS)) {
  for (const { colorScheme, viewport } of LOOKS) {
    const title = `${name}, ${colorScheme}, ${viewport.width}x${viewport.height}`;
    test(`the page shows the state ${title}, accessible and in order`, { skip: browserMissing }, async (t) => {
      const verifier = await verifierFor(t);
      await screen.prepare(t, verifier);
      const { page, record } = await newPage(t, { colorScheme, viewport });
      await page.goto(verifier.url);
      await screen.shows(page);
      await takePicture(page, `${name}-${colorScheme}-${viewport.width}`);
      await assertFitsWindow(page);
      await assertAccessible(page);
      assertClean(record, verifier.url);
    });
  }
}

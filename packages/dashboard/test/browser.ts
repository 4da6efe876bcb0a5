import { existsSync } from 'node:fs';
import { after } from 'node:test';
import type { TestContext } from 'node:test';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Why the tests that need a browser are skipped, or false. */
export const browserMissing: string | false = existsSync(CHROMIUM)
  ? false
  : `${CHROMIUM} is missing; install it with: apt-get install chromium`;

/** Far over what any step takes, for machines that do other things too. */
const LONGEST_WAIT_MS = 60_000;

let browser: Promise<Browser> | undefined;

after(async () => {
  await (await browser)?.close();
});

/** What the browser complained of, and where the page sent requests. */
export interface PageRecord {
  readonly complaints: string[];
  readonly requests: URL[];
}

export interface OpenPage {
  readonly page: Page;
  readonly record: PageRecord;
}

/** A page in a browser profile of its own, which ends with the test; nothing is open in it yet. */
export async function newPage(t: TestContext, options: BrowserContextOptions = {}): Promise<OpenPage> {
  browser ??= chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
  const context = await (await browser).newContext({ viewport: { width: 1280, height: 800 }, ...options });
  t.after(() => context.close());
  const page = await context.newPage();
  page.setDefaultTimeout(LONGEST_WAIT_MS);
  const record: PageRecord = { complaints: [], requests: [] };
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') record.complaints.push(message.text());
  });
  page.on('pageerror', (error) => record.complaints.push(String(error)));
  page.on('request', (request) => record.requests.push(new URL(request.url())));
  return { page, record };
}

// Pages of 10,000 hosts: until they can be used, against 1 s, and frames a second while scrolling, against 60.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from 'playwright-core';
import { fromBase64 } from '@assay/core/bytes';
import { SimulatedHost } from '@assay/testkit/evidence';
import { startVerifier } from '@assay/verifier';
import { fillHosts, newToken, openStore } from '@assay/verifier/fill';

const HOSTS = Number(process.argv[2] ?? 10_000);
const ROUNDS = 5;
const SCROLL_MS = 3000;
const AIMS = { interactiveMs: 1000, framesPerSecond: 60 };
const PUBLIC = fileURLToPath(new URL('../packages/verifier/public', import.meta.url));

/** Of a store that holds the fleet. */
async function filledStore(directory: string): Promise<string> {
  const store = `sqlite:${join(directory, 'verifier.db')}`;
  const { ekPublic, akPublic } = await (await SimulatedHost.boot({ name: 'keys' })).enrolRequest();
  const database = await openStore(store, () => undefined);
  await fillHosts(database, HOSTS, { ek_public: fromBase64(ekPublic), ak_public: fromBase64(akPublic) });
  await database.destroy();
  return store;
}

/** Milliseconds from the request of the page until what it is for is there. */
async function interactive(browser: Browser, address: string, ready: (page: Page) => Promise<void>): Promise<number> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  const page = await context.newPage();
  const begun = performance.now();
  await page.goto(address);
  await ready(page);
  const took = performance.now() - begun;
  await context.close();
  return took;
}

/** In the page: frames a second while the table is scrolled by some rows each frame. */
const SCROLL = `new Promise((resolve) => {
  const table = document.querySelector('[role="grid"]');
  const begun = performance.now();
  let frames = 0;
  const frame = (now) => {
    frames++;
    table.scrollBy(0, 300);
    if (now - begun < ${SCROLL_MS}) requestAnimationFrame(frame);
    else resolve((1000 * frames) / (now - begun));
  };
  requestAnimationFrame(frame);
})`;

const least = (numbers: readonly number[]): number => Math.min(...numbers);

function tell(what: string, measured: number, aim: number, unit: string): void {
  console.log(
    `${what.padEnd(44)} ${measured.toFixed(0).padStart(6)} ${unit.padEnd(4)} ${(measured / aim).toFixed(2)} of the aim (${aim})`,
  );
}

const directory = mkdtempSync(join(tmpdir(), 'assay-bench-'));
const store = await filledStore(directory);
const tokens = { operator: newToken(), join: newToken() };
const verifier = await startVerifier({ store, port: 0, tokens, publicDirectory: PUBLIC, staleAfterSeconds: 86_400 });
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] });
try {
  const table = async (page: Page): Promise<void> => page.getByRole('link', { name: 'host-00003' }).waitFor();
  const picture = async (page: Page): Promise<void> => page.getByRole('img', { name: /a mark each/ }).waitFor();
  const tables: number[] = [];
  const pictures: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    tables.push(await interactive(browser, `${verifier.url}/hosts`, table));
    pictures.push(await interactive(browser, verifier.url, picture));
  }
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(`${verifier.url}/hosts`);
  await table(page);
  const frames = Number(await page.evaluate(SCROLL));
  console.log(`${HOSTS} hosts, least of ${ROUNDS} rounds`);
  tell('table of hosts, until it can be used', least(tables), AIMS.interactiveMs, 'ms');
  tell('fleet, until every host is drawn', least(pictures), AIMS.interactiveMs, 'ms');
  tell('frames while the table scrolls', frames, AIMS.framesPerSecond, '/s');
} finally {
  await browser.close();
  await verifier.close();
  rmSync(directory, { recursive: true, force: true });
}

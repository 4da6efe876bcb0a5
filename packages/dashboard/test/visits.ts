import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import type { BrowserContextOptions, Page } from 'playwright-core';
import type { Verifier, VerifierOptions } from '@assay/verifier';
import { newPage } from './browser.ts';
import { assertClean, assertFitsWindow, takePicture } from './checks.ts';
import { TAMPERED, TOKENS } from './fleet.ts';
import { hostsUnderPolicy, patientVerifier, programDigest } from './people.ts';

export interface Shown {
  readonly name: string;
  readonly path: string;
  /** What shows that the answer is there. */
  readonly text: string | RegExp;
  /** A command that the page offers. */
  readonly next?: string;
  /** What would be wrong to say. */
  readonly never?: string;
}

const DIGEST = programDigest(TAMPERED);

export const FILLED: readonly Shown[] = [
  { name: 'findings', path: '/findings', text: '1 cause, 2 findings' },
  { name: 'finding', path: '/findings/F-1', text: 'List entry' },
  { name: 'measurements', path: '/measurements', text: /^6 different entries/ },
  { name: 'digest', path: `/digests/${DIGEST}`, text: 'Measured on 2 hosts' },
  { name: 'digests', path: `/digests?list=${DIGEST}`, text: '1 of 1 digest ran somewhere' },
  { name: 'policies', path: '/policies', text: '1 policy, 1 version' },
  { name: 'policy', path: '/policies/web', text: '3 hosts keep their verdicts.' },
  { name: 'policy-edit', path: '/policies/web/edit?version=1', text: 'Nothing differs.' },
  { name: 'ima-policy', path: '/ima-policy', text: /^Type or paste rules/ },
  { name: 'enrol', path: '/enrol', text: 'No machine waits for a decision.' },
  { name: 'alerts', path: '/alerts', text: '1 alert' },
  { name: 'audit', path: '/audit', text: 'Unbroken' },
  { name: 'health', path: '/health', text: 'In time' },
];

/** The first minute of somebody new: nothing is there, and each page has what to do next. */
export const EMPTY: readonly Shown[] = [
  { name: 'fleet-empty', path: '/', text: 'No host yet', next: 'assay up' },
  { name: 'hosts-empty', path: '/hosts', text: 'No host yet', next: 'assay demo fleet' },
  { name: 'findings-empty', path: '/findings', text: 'Nothing is open', next: 'sudo assay up' },
  { name: 'findings-closed', path: '/findings?state=closed', text: 'Nothing was ever closed' },
  { name: 'measurements-empty', path: '/measurements', text: 'Nothing is measured yet', next: 'sudo assay up' },
  { name: 'digest-empty', path: `/digests/${DIGEST}`, text: 'Never measured', next: 'sudo assay up' },
  { name: 'digests-empty', path: '/digests', text: 'Digests, or any text' },
  { name: 'policies-empty', path: '/policies', text: 'No policy yet', next: 'assay reference push' },
  { name: 'enrol-empty', path: '/enrol', text: 'No machine waits for a decision', next: 'sudo assay agent run' },
  { name: 'alerts-empty', path: '/alerts?state=all', text: 'There never was an alert', next: 'sudo assay up' },
  {
    name: 'audit-empty',
    path: '/audit',
    text: 'Nobody did anything yet',
    next: 'assay verifier token create',
    never: 'Unbroken',
  },
  { name: 'health-empty', path: '/health', text: 'In time' },
];

/** Three hosts under a policy, two of which ran something else. */
export async function busyVerifier(t: TestContext, options: Partial<VerifierOptions> = {}): Promise<Verifier> {
  const verifier = await patientVerifier(t, options);
  const hosts = await hostsUnderPolicy(t, verifier, 'web', ['web-01', 'web-02', 'web-03']);
  for (const host of hosts.slice(0, 2)) {
    await host.execute(TAMPERED);
    await host.attest();
  }
  return verifier;
}

/** Opens pages one after the other, and writes a picture of each. @param also what else has to hold of each */
export async function visit(
  t: TestContext,
  verifier: Verifier,
  pages: readonly Shown[],
  { also, ...options }: BrowserContextOptions & { readonly also?: (page: Page) => Promise<void> },
): Promise<void> {
  const { page, record } = await newPage(t, options);
  await page.goto(`${verifier.url}/ima-policy#token=${TOKENS.operator}`);
  const look = `${options.colorScheme ?? 'light'}-${options.viewport?.width ?? 0}`;
  for (const { name, path, text, next, never } of pages) {
    await page.goto(`${verifier.url}${path}`);
    await page.getByText(text).first().waitFor();
    if (next !== undefined) await page.locator('main code').filter({ hasText: next }).first().waitFor();
    if (never !== undefined) assert.equal(await page.getByText(never).count(), 0, `${name} says ${never}`);
    await takePicture(page, `${name}-${look}`);
    await assertFitsWindow(page);
    await also?.(page);
  }
  assertClean(record, verifier.url);
}

export async function visitFilled(t: TestContext, options: Parameters<typeof visit>[3]): Promise<void> {
  await visit(t, await busyVerifier(t), FILLED, options);
}

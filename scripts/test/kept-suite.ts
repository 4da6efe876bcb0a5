import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { KERNEL_SERIES, type KernelSeries } from '@assay/testkit/lab';
import { keptAnswers, type GuestAnswer, type Suite } from '@assay/testkit/suites';
import { ROOT } from '../workspace.ts';

/** What a guest did not answer, and would have to be noticed: a file of the answer, and what is done to it. */
export type OtherAnswer = readonly [what: string, file: string, change: (text: string) => string];

/** Written by `npm run test:kernel -- --few --answers packages/testkit/test/vectors/kernel-answers`. */
export function keptDirectory(suite: Pick<Suite, 'name'>, series: string): string {
  return join(ROOT, 'packages/testkit/test/vectors/kernel-answers', suite.name, series);
}

/**
 * Judges what guests answered as it was, and each of the other answers as the disagreement that it is.
 * @param kernels of which answers are kept
 */
export function testKeptSuite(
  suite: Suite,
  others: readonly OtherAnswer[],
  kernels: readonly KernelSeries[] = KERNEL_SERIES,
): void {
  for (const series of kernels) {
    test(`${suite.title}: what a guest with Linux ${series} answered is what core computes`, async () => {
      const { cases, disagreements } = await suite.judge(await keptAnswers(keptDirectory(suite, series)));
      assert.deepEqual(disagreements, []);
      assert.ok(cases > 0, 'something was compared');
    });
  }
  for (const [what, file, change] of others) {
    test(`${suite.title}: ${what} would be a disagreement`, async () => {
      const [answer, ...rest] = await keptAnswers(keptDirectory(suite, '6.12'));
      assert.ok(answer);
      const { disagreements } = await suite.judge([changed(answer, file, change), ...rest]);
      assert.equal(disagreements.length, 1);
    });
  }
}

export function changed(answer: GuestAnswer, name: string, change: (text: string) => string): GuestAnswer {
  const before = Buffer.from(answer.files.get(name) ?? []).toString('utf8');
  const after = change(before);
  assert.notEqual(after, before);
  return { ...answer, files: new Map([...answer.files, [name, Buffer.from(after)]]) };
}

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { KERNEL_SERIES } from '@assay/testkit/lab';
import { keptAnswers, type GuestAnswer } from '@assay/testkit/suites';
import { evmKey } from '../evm-key/suite.ts';
import { ROOT } from '../workspace.ts';

/** Written by `npm run test:kernel -- --few --answers packages/testkit/test/vectors/kernel-answers`. */
const KEPT = join(ROOT, 'packages/testkit/test/vectors/kernel-answers', evmKey.name);

for (const series of KERNEL_SERIES) {
  test(`${evmKey.title}: what a guest with Linux ${series} answered is what core computes`, async () => {
    const { cases, disagreements } = await evmKey.judge(await keptAnswers(join(KEPT, series)));
    assert.deepEqual(disagreements, []);
    assert.ok(cases > 0, 'something was compared');
  });
}

function changed(answer: GuestAnswer, name: string, change: (text: string) => string): GuestAnswer {
  const before = Buffer.from(answer.files.get(name) ?? []).toString('utf8');
  const after = change(before);
  assert.notEqual(after, before);
  return { ...answer, files: new Map([...answer.files, [name, Buffer.from(after)]]) };
}

const OTHER_ANSWERS: readonly (readonly [what: string, file: string, change: (text: string) => string])[] = [
  ['a key that the command does not load', 'load', (text) => text.replace('"loaded"', '"sealed"')],
  ['a key that is unsealed in another state of the machine', 'sealed', (text) => text.replace(/^1\n/, '0\n')],
  ['EVM without its key', 'evm', () => '0'],
  ['a file that is refused', 'files', (text) => text.replace('\tok\t', '\tdenied\t')],
  ['another HMAC', 'files', (text) => text.replace(/(\tafter\t[^\n]*?security\.evm=02)../, '$1zz')],
];

for (const [what, file, change] of OTHER_ANSWERS) {
  test(`${evmKey.title}: ${what} would be a disagreement`, async () => {
    const [answer, ...others] = await keptAnswers(join(KEPT, '6.12'));
    assert.ok(answer);
    const { disagreements } = await evmKey.judge([changed(answer, file, change), ...others]);
    assert.equal(disagreements.length, 1);
  });
}

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { KERNEL_SERIES } from '@assay/testkit/lab';
import { keptAnswers, type GuestAnswer } from '@assay/testkit/suites';
import { readRound, writeRound } from '../attest/round.ts';
import { attest } from '../attest/suite.ts';
import { ROOT } from '../workspace.ts';

/** Written by `npm run test:kernel -- --few --answers packages/testkit/test/vectors/kernel-answers`. */
const KEPT = join(ROOT, 'packages/testkit/test/vectors/kernel-answers', attest.name);

for (const series of KERNEL_SERIES) {
  test(`${attest.title}: what a guest with Linux ${series} sent is judged as it was`, async () => {
    const { cases, disagreements } = await attest.judge(await keptAnswers(join(KEPT, series)));
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
  ['a finding that is missing', 'findings', (text) => text.replace(/^IMA-DIGEST-CHANGED.*\n/m, '')],
  ['a finding too much', 'findings', (text) => `${text}IMA-UNKNOWN-DIGEST\tsha256:00\t/bin/sh\n`],
  ['a verdict that stays green', 'rounds', (text) => text.replaceAll('\tfailed\t', '\ttrusted\t')],
  ['a second enrolment', 'enrolments', () => '2'],
  [
    'a list that is not the one of the kernel',
    'list',
    (text) => text.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
  ],
];

for (const [what, file, change] of OTHER_ANSWERS) {
  test(`${attest.title}: ${what} would be a disagreement`, async () => {
    const [answer, ...others] = await keptAnswers(join(KEPT, '6.12'));
    assert.ok(answer);
    const { disagreements } = await attest.judge([changed(answer, file, change), ...others]);
    assert.equal(disagreements.length, 1);
  });
}

test('a round is read as it was written', async () => {
  const [answer] = await keptAnswers(join(KEPT, '6.12'));
  const lines = Buffer.from(answer?.files.get('rounds') ?? [])
    .toString('utf8')
    .split('\n')
    .filter(Boolean);
  assert.ok(lines.length > 0);
  for (const line of lines) assert.equal(writeRound(readRound(line)), line);
  assert.throws(() => readRound('x\ty'), RangeError);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keptAnswers } from '@assay/testkit/suites';
import { readRound, writeRound } from '../attest/round.ts';
import { attest } from '../attest/suite.ts';
import { keptDirectory, testKeptSuite } from './kept-suite.ts';

testKeptSuite(attest, [
  ['a finding that is missing', 'findings', (text) => text.replace(/^IMA-DIGEST-CHANGED.*\n/m, '')],
  ['a finding too much', 'findings', (text) => `${text}IMA-UNKNOWN-DIGEST\tsha256:00\t/bin/sh\n`],
  ['a verdict that stays green', 'rounds', (text) => text.replaceAll('\tfailed\t', '\ttrusted\t')],
  ['a second enrolment', 'enrolments', () => '2'],
  [
    'a list that is not the one of the kernel',
    'list',
    (text) => text.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
  ],
]);

test('a round is read as it was written', async () => {
  const [answer] = await keptAnswers(keptDirectory(attest, '6.12'));
  const lines = Buffer.from(answer?.files.get('rounds') ?? [])
    .toString('utf8')
    .split('\n')
    .filter(Boolean);
  assert.ok(lines.length > 0);
  for (const line of lines) assert.equal(writeRound(readRound(line)), line);
  assert.throws(() => readRound('x\ty'), RangeError);
});

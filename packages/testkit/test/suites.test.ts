import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { KERNEL_SERIES } from '@assay/testkit/lab';
import { keptAnswers, SUITES, type GuestAnswer } from '@assay/testkit/suites';

/** Written by `npm run test:kernel -- --few --answers packages/testkit/test/vectors/kernel-answers`. */
const KEPT = join(import.meta.dirname, 'vectors/kernel-answers');

for (const suite of SUITES) {
  for (const series of KERNEL_SERIES) {
    test(`${suite.title}: what Linux ${series} answered in the lab is what core says`, async () => {
      const directory = join(KEPT, suite.name, series);
      assert.ok(existsSync(directory), `${directory} is missing`);
      const { cases, disagreements } = await suite.judge(await keptAnswers(directory));
      assert.deepEqual(disagreements, []);
      assert.ok(cases > 0, 'something was compared');
    });
  }
}

/** A file of an answer with some of its text replaced. */
function changed(answer: GuestAnswer, name: string, change: (text: string) => string): GuestAnswer {
  const before = Buffer.from(answer.files.get(name) ?? []).toString('utf8');
  const after = change(before);
  assert.notEqual(after, before);
  return { ...answer, files: new Map([...answer.files, [name, Buffer.from(after)]]) };
}

/** What one changed answer of a kernel is: the file, and how its text is changed in one case. */
const OTHER_ANSWERS: Readonly<Record<string, readonly [file: string, change: (text: string) => string]>> = {
  'policy-rules': ['verdicts', (text) => text.replace(/^ok$/m, 'E22')],
  appraisal: ['answers', (text) => text.replace(/\tdenied,/, '\tok,')],
  'evm-values': ['states', (text) => text.replace(/security\.evm=02../, 'security.evm=02zz')],
  'key-measurements': ['count', (text) => String(Number(text) + 1)],
  labels: ['answers', (text) => text.replace(/\tdenied,/, '\tok,')],
  verity: ['answers', (text) => text.replace(/\tdenied,denied\t/, '\tdenied,ok\t')],
  'measurement-lists': ['violations', (text) => String(Number(text) + 1)],
  eventlog: ['SetupMode', (text) => text.replace('\u0001', '\u0000')],
  kexec: ['2-cmdline', (text) => text.replace('again=1', 'again=2')],
  preflight: ['outcomes', (text) => text.replace(/^(.*)\t\1$/m, '$1\tE13')],
  'policy-matching': ['results', (text) => text.replace(/\t(\d+):ima/, '\t1$1:ima')],
};

for (const suite of SUITES) {
  test(`${suite.title}: a kernel that had answered otherwise in one case would be a disagreement`, async () => {
    const [file, change] = OTHER_ANSWERS[suite.name] ?? [];
    assert.ok(file !== undefined && change !== undefined, 'each suite is seen to fail');
    const [answer, ...others] = await keptAnswers(join(KEPT, suite.name, '6.12'));
    assert.ok(answer);
    const { disagreements } = await suite.judge([changed(answer, file, change), ...others]);
    assert.equal(disagreements.length, 1);
  });
}

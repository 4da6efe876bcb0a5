import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { KERNEL_SERIES } from '@assay/testkit/lab';
import { keptAnswers, SUITES, type GuestAnswer, type Suite } from '@assay/testkit/suites';

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

function suiteOf(name: string): Suite {
  const suite = SUITES.find((each) => each.name === name);
  assert.ok(suite);
  return suite;
}

test('a kernel that had answered otherwise to one policy rule would be a disagreement', async () => {
  const [answer] = await keptAnswers(join(KEPT, 'policy-rules/6.12'));
  assert.ok(answer);
  const flipped = changed(answer, 'verdicts', (text) => text.replace(/^ok$/m, 'E22'));
  const { disagreements } = await suiteOf('policy-rules').judge([flipped]);
  assert.equal(disagreements.length, 1);
  assert.match(disagreements[0] ?? '', /: the kernel says E22, core ok$/);
});

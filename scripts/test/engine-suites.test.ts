import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { KERNEL_SERIES, type KernelSeries } from '@assay/testkit/lab';
import { cannotMount } from '@assay/testkit/mounts';
import { keptAnswers, type GuestAnswer, type Suite } from '@assay/testkit/suites';
import { engineAppraisal } from '../engine/appraisal.ts';
import { engineLabels } from '../engine/labels.ts';
import { engineLists } from '../engine/lists.ts';
import { engineMatching } from '../engine/matching.ts';
import type { EngineSuite } from '../engine/suite.ts';
import { askWorkload, compareWorkload, engineWorkload } from '../engine/workload.ts';
import { changed, keptDirectory, type OtherAnswer } from './kept-suite.ts';

const skip = cannotMount() ?? false;
/** All kernels, or of each suite one. `npm run test:kernel` asks all cases. */
const isWhole = process.env['ASSAY_ENGINE_AGREEMENT'] === 'all';

interface TestedSuite {
  readonly suite: Pick<EngineSuite, 'title' | 'ask' | 'compare'> & { readonly asks: Pick<Suite, 'name'> };
  /** The kernel that is asked in any case. */
  readonly series: KernelSeries;
  readonly others: readonly OtherAnswer[];
}

const SUITES: readonly TestedSuite[] = [
  {
    suite: engineMatching,
    series: '7.2',
    others: [
      ['another PCR', 'results', (text) => text.replace(/\t(\d+):ima/, '\t1$1:ima')],
      ['an entry that is missing', 'results', (text) => text.replace(/^(\d+\t[^\t]*\t)\d+:\S+/m, '$1')],
      ['a label that is written', 'results', (text) => text.replace(/\t-$/m, '\tlabel')],
    ],
  },
  {
    suite: engineAppraisal,
    series: '6.12',
    others: [
      ['an access that is allowed', 'answers', (text) => text.replace(/\tdenied,/, '\tok,')],
      ['another cause', 'answers', (text) => text.replace('invalid-hash', 'missing-hash')],
      ['another label afterwards', 'answers', (text) => text.replace(/(\t04)04(\w+)$/m, '$105$2')],
    ],
  },
  {
    suite: engineLabels,
    series: '6.12',
    others: [
      ['an access that is allowed', 'answers', (text) => text.replace(/\tdenied,/, '\tok,')],
      ['another HMAC afterwards', 'answers', (text) => text.replace(/(\t02)\w{2}(\w{38})$/m, '$1--$2')],
    ],
  },
  { suite: engineLists, series: '6.1', others: [] },
  {
    suite: { title: engineWorkload.title, asks: engineWorkload, ask: askWorkload, compare: compareWorkload },
    series: '6.12',
    others: [
      ['a step that is refused', 'steps', (text) => text.replace('\tread\tok\t', '\tread\tdenied\t')],
      ['another label at the end', 'ends', (text) => text.replace(/(\t04)04(\w+)$/m, '$105$2')],
    ],
  },
];

for (const { suite, series, others } of SUITES) {
  describe(suite.title, { skip, concurrency: false }, () => {
    for (const kernel of isWhole ? KERNEL_SERIES : [series]) {
      test(`agrees with what Linux ${kernel} answered, and with nothing else`, {
        timeout: 900_000,
      }, async (context) => {
        const [answer] = await keptAnswers(keptDirectory(suite.asks, kernel));
        assert.ok(answer);
        const found = await suite.ask(answer);
        const { cases, disagreements, approximated = new Map<string, number>() } = suite.compare(answer, found);
        assert.deepEqual(disagreements, []);
        assert.ok(cases > 10, String(cases));
        const otherwise = [...approximated].map(([reason, count]) => `, ${count} otherwise (${reason})`);
        context.diagnostic(`${cases} of ${cases} as Linux ${kernel}${otherwise.join('')}`);
        for (const other of others) assertNoticed(answer, other, (each) => suite.compare(each, found).disagreements);
      });
    }
  });
}

function assertNoticed(
  answer: GuestAnswer,
  [what, file, change]: OtherAnswer,
  judge: (answer: GuestAnswer) => readonly string[],
): void {
  assert.equal(judge(changed(answer, file, change)).length, 1, `${what} would be a disagreement`);
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AskedKernel } from '@assay/testkit/suites';
import { parseKernelArguments } from '../kernel-arguments.ts';
import { agreementPage, agreementTable, runLine, type SuiteRun } from '../kernel-report.ts';
import { KERNEL_SUITES } from '../kernel-suites.ts';
import { UsageError } from '../lab-arguments.ts';

const [suite] = KERNEL_SUITES;
assert.ok(suite);
const kernel: AskedKernel = { series: '6.12', version: '6.12.1-1', release: '6.12.1', config: '' };
const run: SuiteRun = { suite, kernel, cases: 10, disagreements: ['x'] };

test('the table has a row for each suite that ran and a column for each kernel', () => {
  const newer: AskedKernel = { ...kernel, series: '7.2', version: '7.2.3-1' };
  const table = agreementTable([run, { ...run, kernel: newer, disagreements: [] }]);
  assert.equal(
    table,
    [
      '|  | Linux 6.12 | Linux 7.2 |',
      '| --- | --- | --- |',
      '| package | 6.12.1-1 | 7.2.3-1 |',
      `| ${suite.title} | 9 of 10 | 10 of 10 |`,
    ].join('\n'),
  );
  assert.equal(runLine(run), `6.12  ${suite.title}: 9 of 10`);
  assert.ok(agreementPage([run], 7).includes('from the seed 7'));
});

test('a run is of all suites and kernels with the seed of the page unless the options say otherwise', () => {
  assert.deepEqual(parseKernelArguments([]), {
    kernels: ['6.1', '6.12', '7.2'],
    suites: KERNEL_SUITES,
    seed: 1,
    jobs: 2,
    answers: undefined,
    few: false,
    judge: false,
  });
  const some = parseKernelArguments(`--kernel 7.2 --suite ${suite.name} --seed 5 --few`.split(' '));
  assert.deepEqual(some?.kernels, ['7.2']);
  assert.deepEqual(some.suites, [suite]);
  assert.equal(some.seed, 5);
  assert.ok(some.few);
  assert.equal(parseKernelArguments(['--help']), undefined);
});

for (const words of [
  '--kernel 5.4',
  '--suite none',
  '--seed -1',
  '--seed x',
  '--jobs 0',
  '--jobs x',
  '--judge',
  '--what',
  'word',
]) {
  test(`wrong usage of the kernel tests is refused: ${words}`, () => {
    assert.throws(() => parseKernelArguments(words.split(' ')), UsageError);
  });
}

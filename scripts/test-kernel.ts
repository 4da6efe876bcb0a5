// Compares core with real kernels: `npm run test:kernel`; docs/kernel-lab.md
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defaultCache, KERNEL_SERIES, prepareLab, type KernelSeries } from '@assay/testkit/lab';
import { askSuite, keepAnswers, keptAnswers, type GuestAnswer, type Suite } from '@assay/testkit/suites';
import { atOnce } from './at-once.ts';
import { KERNEL_USAGE, parseKernelArguments, SEED, type KernelTests } from './kernel-arguments.ts';
import { agreementPage, agreementTable, runLine, type SuiteRun } from './kernel-report.ts';
import { KERNEL_SUITES } from './kernel-suites.ts';
import { interruptible, onStep } from './lab-process.ts';
import { ROOT } from './workspace.ts';

const SHOWN_DISAGREEMENTS = 30;

async function main(argv: readonly string[], signal: AbortSignal): Promise<number> {
  const tests = parseKernelArguments(argv);
  if (tests === undefined) {
    console.log(KERNEL_USAGE);
    return 0;
  }
  if (!tests.judge) await prepare(tests.kernels, signal);
  const pairs = tests.kernels.flatMap((kernel) => tests.suites.map((suite) => ({ kernel, suite })));
  const answers: Context['answers'] = new Map();
  const run = async ({ kernel, suite }: (typeof pairs)[number], stop: AbortSignal): Promise<SuiteRun> =>
    runSuite(suite, kernel, { tests, signal: stop, answers });
  const runs = await atOnce(tests.jobs, pairs, run, signal);
  console.log(`\n${agreementTable(runs)}`);
  if (isWhole(tests)) await writeFile(join(ROOT, 'docs/kernel-agreement.md'), agreementPage(runs, tests.seed));
  return runs.every(({ disagreements }) => disagreements.length === 0) ? 0 : 1;
}

/** What is missing is installed or told before anything runs. */
async function prepare(kernels: readonly KernelSeries[], signal: AbortSignal): Promise<void> {
  spawnSync(join(ROOT, 'scripts/system-packages'), { stdio: ['ignore', 'inherit', 'inherit'] });
  await prepareLab(kernels, { cache: defaultCache(), signal, onStep });
}

interface Context {
  readonly tests: KernelTests;
  readonly signal: AbortSignal;
  /** By suite and kernel. */
  readonly answers: Map<string, Promise<readonly GuestAnswer[]>>;
}

async function runSuite(suite: Suite, kernel: KernelSeries, context: Context): Promise<SuiteRun> {
  const started = performance.now();
  const answers = await answersOf(suite, kernel, context);
  const [first] = answers;
  if (first === undefined) throw new RangeError(`${suite.name} has no guests`);
  const run = { suite, kernel: first.kernel, ...(await suite.judge(answers)) };
  console.log(`${runLine(run)} (${Math.round((performance.now() - started) / 1000)} s)`);
  for (const text of run.disagreements.slice(0, SHOWN_DISAGREEMENTS)) console.log(`  ${text}`);
  return run;
}

/** Two suites may judge the same guests, which are asked once. */
async function answersOf(suite: Suite, kernel: KernelSeries, context: Context): Promise<readonly GuestAnswer[]> {
  const asked = 'asks' in suite ? suite.asks : suite;
  const key = `${asked.name} ${kernel}`;
  const answers = context.answers.get(key) ?? newAnswers(asked, kernel, context);
  context.answers.set(key, answers);
  return answers;
}

async function newAnswers(
  suite: Suite,
  kernel: KernelSeries,
  { tests, signal }: Context,
): Promise<readonly GuestAnswer[]> {
  const directory = tests.answers === undefined ? undefined : join(tests.answers, suite.name, kernel);
  if (tests.judge && directory !== undefined) return keptAnswers(directory);
  const answers = await askSuite(suite, tests, { kernel, signal, onStep });
  if (directory !== undefined) await keepAnswers(directory, answers);
  return answers;
}

function isWhole({ kernels, suites, seed, few, judge }: KernelTests): boolean {
  return (
    !few && !judge && seed === SEED && kernels.length === KERNEL_SERIES.length && suites.length === KERNEL_SUITES.length
  );
}

await interruptible(async (signal) => main(process.argv.slice(2), signal));

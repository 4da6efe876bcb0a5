import { parseArgs } from 'node:util';
import { isKernelSeries, KERNEL_SERIES, type KernelSeries } from '@assay/testkit/lab';
import type { Suite } from '@assay/testkit/suites';
import { KERNEL_SUITES } from './kernel-suites.ts';
import { UsageError } from './lab-arguments.ts';

export interface KernelTests {
  readonly kernels: readonly KernelSeries[];
  readonly suites: readonly Suite[];
  readonly seed: number;
  /** How many suites run at once, each with one guest at a time. */
  readonly jobs: number;
  /** Directory where answers of guests are kept, or are taken from. */
  readonly answers: string | undefined;
  /** A few cases only. */
  readonly few: boolean;
  /** Judge kept answers, and boot nothing. */
  readonly judge: boolean;
}

/** Of the table in docs/kernel-agreement.md. */
export const SEED = 1;

/** A guest takes one processor and a little more than 1 GiB. */
const JOBS = 2;

const OPTIONS = {
  kernel: { type: 'string', multiple: true },
  suite: { type: 'string', multiple: true },
  seed: { type: 'string' },
  jobs: { type: 'string' },
  answers: { type: 'string' },
  few: { type: 'boolean' },
  judge: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const;

/**
 * @param argv without node and the script
 * @returns undefined where help was asked for
 * @throws UsageError
 */
export function parseKernelArguments(argv: readonly string[]): KernelTests | undefined {
  const {
    kernel = [],
    suite = [],
    seed = String(SEED),
    jobs = String(JOBS),
    answers,
    few = false,
    judge = false,
    help = false,
  } = read(argv);
  if (help) return undefined;
  if (!/^\d{1,9}$/.test(seed)) throw new UsageError('--seed takes a whole number of at most nine digits');
  if (!/^[1-9]\d?$/.test(jobs)) throw new UsageError('--jobs takes a whole number from 1 to 99');
  if (judge && answers === undefined) throw new UsageError('--judge needs --answers DIR');
  return {
    kernels: kernel.length === 0 ? KERNEL_SERIES : kernel.map(kernelOf),
    suites: suite.length === 0 ? KERNEL_SUITES : suite.map(suiteOf),
    seed: Number(seed),
    jobs: Number(jobs),
    answers,
    few,
    judge,
  };
}

type Values = ReturnType<typeof parseArgs<{ options: typeof OPTIONS }>>['values'];

function read(argv: readonly string[]): Values {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function kernelOf(name: string): KernelSeries {
  if (isKernelSeries(name)) return name;
  throw new UsageError(`the lab has no kernel ${name}: it has ${KERNEL_SERIES.join(', ')}`);
}

function suiteOf(wanted: string): Suite {
  const suite = KERNEL_SUITES.find(({ name }) => name === wanted);
  if (suite !== undefined) return suite;
  throw new UsageError(`there is no suite ${wanted}: there are ${KERNEL_SUITES.map(({ name }) => name).join(', ')}`);
}

export const KERNEL_USAGE = `usage: npm run test:kernel [-- [options]]

Asks real kernels what core decides: generates cases from a seed, boots each kernel in the lab (docs/kernel-lab.md), and
compares. A full run writes docs/kernel-agreement.md.

  --kernel NAME   ${KERNEL_SERIES.join(', ')}; may be repeated (default: all)
  --suite NAME    may be repeated (default: all of these)
${KERNEL_SUITES.map(({ name, title }) => `                    ${name.padEnd(18)} ${title}`).join('\n')}
  --seed N        other cases (default: ${SEED})
  --jobs N        suites that run at once, each with one guest (default: ${JOBS})
  --few           a few cases of each suite
  --answers DIR   keeps what the guests answered
  --judge         boots nothing: compares what --answers has kept
  -h, --help      this

Exit codes: 0 all agree, 1 something does not, 2 wrong usage, 125 the lab failed, 130 interrupted.`;

import type { Agreement, AskedKernel, Suite } from '@assay/testkit/suites';

/** What a suite found on one kernel. */
export interface SuiteRun extends Agreement {
  readonly suite: Suite;
  readonly kernel: AskedKernel;
}

/** One line for people. */
export function runLine({ suite, kernel, ...agreement }: SuiteRun): string {
  const reasons = [...(agreement.approximated ?? [])].map(
    ([reason, count]) => `; otherwise, as documented: ${count} (${reason})`,
  );
  return `${kernel.series.padEnd(5)} ${suite.title}: ${agreed(agreement)}${reasons.join('')}`;
}

function agreed({ cases, disagreements }: Agreement): string {
  return `${cases - disagreements.length} of ${cases}`;
}

/** What agrees, and how much is otherwise as documented. */
function shown(agreement: Agreement): string {
  const otherwise = [...(agreement.approximated?.values() ?? [])].reduce((sum, count) => sum + count, 0);
  return otherwise === 0 ? agreed(agreement) : `${agreed(agreement)}, ${otherwise} otherwise`;
}

/** Rows of kernels under columns of suites, in Markdown. */
export function agreementTable(runs: readonly SuiteRun[]): string {
  const kernels = [...new Map(runs.map(({ kernel }) => [kernel.series, kernel])).values()];
  const suites = [...new Map(runs.map(({ suite }) => [suite.name, suite])).values()];
  const cell = (suite: Suite, { series }: AskedKernel): string => {
    const run = runs.find((each) => each.suite.name === suite.name && each.kernel.series === series);
    return run === undefined ? '' : shown(run);
  };
  const rows = suites.map((suite) => [suite.title, ...kernels.map((kernel) => cell(suite, kernel))]);
  const header = ['', ...kernels.map(({ series }) => `Linux ${series}`)];
  const lines = [header, header.map(() => '---'), ['package', ...kernels.map(({ version }) => version)], ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** The text of docs/kernel-agreement.md: the same for the same kernels and seed. */
export function agreementPage(runs: readonly SuiteRun[], seed: number): string {
  return `# Agreement with kernels

Written by \`npm run test:kernel\`; do not edit. Each number counts cases, generated from the seed ${seed}, to which a Debian
kernel in the [kernel lab](kernel-lab.md) and \`@assay/core\` gave the same answer. In the rows of the engine real files were
opened and executed beside it, and it decided and listed the same; what it does otherwise is besides, and exactly what
[its page](engine.md#hooks) says.

${agreementTable(runs)}
`;
}

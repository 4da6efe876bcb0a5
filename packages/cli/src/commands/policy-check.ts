import { checkPolicy, lintPolicy, type CheckedPolicy, type CheckedRule, type LintFinding } from '@assay/core/policy';
import { z } from 'zod';
import { EXIT } from '../exit.ts';
import { chooseKernel, type ChosenKernel } from '../kernel-profile.ts';
import { optionsFrom, OutputOptions } from '../options.ts';
import { colours, shown } from '../output/terminal.ts';
import { printJson } from '../output/report.ts';
import { printPieces } from '../output/stream.ts';
import { readPolicyFile } from '../policy-file.ts';

const CheckOptions = OutputOptions.extend({
  kernel: z.string().optional(),
  config: z.string().min(1, 'takes debian or a file').optional(),
});

/** `assay policy check FILE`: exit code 0 when the kernel takes every rule and the policy, else 1. */
export async function checkPolicyFile(path: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(CheckOptions, given);
  const file = z.string().parse(path);
  const kernel = await chooseKernel(options.kernel, options.config);
  const lines = await readPolicyFile(file);
  const checked = checkPolicy(lines, kernel.profile);
  const lint = lintPolicy(lines, checked.rules);
  if (options.output === 'json')
    printJson({ schema: 'assay.policy-check.v1', ...documentOf(file, kernel, checked), lint: lint.map(lintDocument) });
  else await printPieces(textOf(file, kernel, checked, lint));
  return checked.accepted ? EXIT.fine : EXIT.no;
}

function documentOf(file: string, { version, config }: ChosenKernel, checked: CheckedPolicy): object {
  const { accepted, rules, load } = checked;
  return { file, kernel: version, config, accepted, rules: rules.map(ruleDocument), load };
}

function ruleDocument(checked: CheckedRule): object {
  const { line, text, accepted } = checked;
  if (accepted) return { line, text, accepted };
  const { column, code, message } = checked.refusal;
  return { line, text, accepted, column, code, message };
}

/** `fix` is the better rule, empty for none at all; `safe` says that `--fix` applies it. */
function lintDocument({ fix, ...finding }: LintFinding): object {
  return fix === undefined ? finding : { ...finding, fix: fix.text, safe: fix.safe };
}

function* textOf(
  file: string,
  { version, config }: ChosenKernel,
  checked: CheckedPolicy,
  lint: readonly LintFinding[],
): Generator<string> {
  const colour = colours(1);
  const { rules, load } = checked;
  const good = rules.filter(({ accepted }) => accepted).length;
  const summary = `Linux ${version} (${shown(config)}) accepts ${good} of ${rules.length} rules`;
  yield `${shown(file)}: ${checked.accepted ? colour.green(summary) : colour.red(summary)}\n`;
  for (const rule of rules) {
    if (rule.accepted) continue;
    const { column, code, message } = rule.refusal;
    yield `  line ${rule.line}, column ${column}: ${colour.red(code)} ${shown(message)}\n`;
    yield `    ${shown(rule.text)}\n`;
  }
  for (const { line, code, message } of load) yield `  line ${line}: ${colour.red(code)} ${message}\n`;
  for (const { line, code, message, fix } of lint) {
    yield `  line ${line}: ${colour.yellow(code)} ${shown(message)}\n`;
    if (fix !== undefined) yield `    better: ${shown(fix.text) || 'without it'}\n`;
  }
}

import { isatty } from 'node:tty';
import {
  checkPolicy,
  fixPolicy,
  lintPolicy,
  printPolicy,
  type CheckedPolicy,
  type CheckedRule,
  type LintFinding,
  type PolicyLine,
} from '@assay/core/policy';
import { replaceFile } from '@assay/linux/files';
import { z } from 'zod';
import { EXIT, UsageError } from '../exit.ts';
import { chooseKernel, type ChosenKernel } from '../kernel-profile.ts';
import { optionsFrom } from '../options.ts';
import { jsonText, printJson } from '../output/report.ts';
import { printPieces } from '../output/stream.ts';
import { colours, shown } from '../output/terminal.ts';
import { policyDiff } from '../policy/diff.ts';
import { sarifLog } from '../policy/sarif.ts';
import { readPolicyFile } from '../policy-file.ts';

const CheckOptions = z.object({
  output: z.enum(['text', 'json', 'sarif']),
  kernel: z.string().optional(),
  config: z.string().min(1, 'takes debian or a file').optional(),
  fix: z.boolean().default(false),
  dryRun: z.boolean().default(false),
});

/** A policy as it is on disk, or would be. */
interface Report {
  readonly file: string;
  readonly kernel: ChosenKernel;
  readonly lines: readonly PolicyLine[];
  readonly checked: CheckedPolicy;
  readonly lint: readonly LintFinding[];
  /** What `--fix` mended, by lines of the file as it was. */
  readonly fixed?: readonly LintFinding[];
}

/** `assay policy check FILE`: exit code 0 when the kernel takes every rule, and the policy in one way at least, else 1. */
export async function checkPolicyFile(path: unknown, given: unknown): Promise<number> {
  const options = optionsFrom(CheckOptions, given);
  if (options.dryRun && (!options.fix || options.output !== 'text'))
    throw new UsageError('--dry-run shows what --fix would change, and as text alone');
  const file = z.string().parse(path);
  if (options.fix && file === '-') throw new UsageError('--fix mends a file, and standard input is none');
  const kernel = await chooseKernel(options.kernel, options.config);
  const before = await readPolicyFile(file);
  if (!options.fix) return print({ file, kernel, lines: before, ...reviewOf(before, kernel) }, options.output);
  const { lines, fixed } = fixPolicy(before, kernel.profile);
  if (options.dryRun) {
    await printPieces(diffText(file, before, lines));
    return exitCode(checkPolicy(lines, kernel.profile));
  }
  if (fixed.length > 0) await replaceFile(file, printPolicy(lines));
  const now = fixed.length > 0 ? await readPolicyFile(file) : before;
  return print({ file, kernel, lines: now, ...reviewOf(now, kernel), fixed }, options.output);
}

function reviewOf(lines: readonly PolicyLine[], { profile }: ChosenKernel): Pick<Report, 'checked' | 'lint'> {
  const checked = checkPolicy(lines, profile);
  return { checked, lint: lintPolicy(lines, checked.rules, profile) };
}

function exitCode({ accepted }: CheckedPolicy): number {
  return accepted ? EXIT.fine : EXIT.no;
}

/** As it is for patch(1), without what a terminal obeys for people. */
function* diffText(file: string, before: readonly PolicyLine[], after: readonly PolicyLine[]): Generator<string> {
  const isForPeople = isatty(1);
  for (const line of policyDiff(file, before, after)) yield isForPeople ? line.split('\n').map(shown).join('\n') : line;
}

async function print(report: Report, output: z.infer<typeof CheckOptions>['output']): Promise<number> {
  const { file, lines, checked, lint } = report;
  if (output === 'sarif') await printPieces([jsonText(sarifLog(file, lines, checked, lint), 2), '\n']);
  else if (output === 'json') printJson({ schema: 'assay.policy-check.v1', ...documentOf(report) });
  else await printPieces(textOf(report));
  return exitCode(checked);
}

function documentOf({ file, kernel, checked, lint, fixed }: Report): object {
  const { accepted, rules, load } = checked;
  return {
    file,
    kernel: kernel.version,
    config: kernel.config,
    options: optionsDocument(kernel),
    accepted,
    rules: rules.map(ruleDocument),
    load,
    lint: lint.map(lintDocument),
    ...(fixed === undefined ? {} : { fixed: fixed.map(lintDocument) }),
  };
}

/** What the verdicts rest on. */
function optionsDocument({ profile, builtin }: ChosenKernel): object {
  const { appraise, modsig, keyMeasurement, labels, algorithms } = profile;
  return { appraise, modsig, keyMeasurement, labels, algorithms, writePolicy: builtin.writePolicy };
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

function* textOf({ file, kernel, checked, lint, fixed = [] }: Report): Generator<string> {
  const colour = colours(1);
  const { rules, load } = checked;
  const good = rules.filter(({ accepted }) => accepted).length;
  for (const { line, code, message } of fixed) yield `  line ${line} mended: ${colour.green(code)} ${shown(message)}\n`;
  const summary = `Linux ${kernel.version} (${shown(kernel.config)}) accepts ${good} of ${rules.length} rules`;
  yield `${shown(file)}: ${checked.accepted ? colour.green(summary) : colour.red(summary)}\n`;
  for (const rule of rules) {
    if (rule.accepted) continue;
    const { column, code, message } = rule.refusal;
    yield `  line ${rule.line}, column ${column}: ${colour.red(code)} ${shown(message)}\n`;
    yield `    ${shown(rule.text)}\n`;
  }
  for (const { line, code, bars, message } of load) {
    const shade = bars === 'both' ? colour.red : colour.yellow;
    yield `  line ${line}: ${shade(code)} ${message}\n`;
  }
  for (const finding of lint) yield lintText(finding);
}

function lintText({ line, column, code, severity, message, fix }: LintFinding): string {
  const colour = colours(1);
  const mark = severity === 'warning' ? colour.yellow(code) : colour.cyan(code);
  const better =
    fix === undefined ? '' : `    ${fix.text === '' ? 'better without it' : `better: ${shown(fix.text)}`}\n`;
  return `  line ${line}, column ${column}: ${mark} ${shown(message)}\n${better}`;
}

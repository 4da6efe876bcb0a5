import type { Rule } from '../rule.ts';
import { fileSystemOf } from './file-systems.ts';
import { findingAt, type LintedRule, type LintFinding } from './finding.ts';
import { classOf, isAction, isForRoot, selectsFileSystem } from './scope.ts';

/** A rule without a function never takes anything from those. */
const NAMED_ONLY: readonly (string | undefined)[] = ['KEY_CHECK', 'CRITICAL_DATA', 'SETXATTR_CHECK'];

/** dont_measure and dont_appraise that take more from the rules behind them than anybody means. */
export function lintAllDont(rules: readonly LintedRule[]): LintFinding[] {
  return rules.flatMap((linted, index) => {
    const { rule } = linted;
    if (!isAction(rule, 'dont_measure', 'dont_appraise') || !hasPositiveBehind(rules, index)) return [];
    const why = broadness(rule);
    if (why === undefined) return [];
    const verb = classOf(rule);
    const message = `too broad: ${why}, and no rule behind this one can ${verb} it`;
    return [findingAt(linted, '', { code: 'LINT-DONT-BROAD', severity: 'warning', message })];
  });
}

function hasPositiveBehind(rules: readonly LintedRule[], index: number): boolean {
  const { rule } = rules[index] ?? {};
  const positive = rule === undefined ? undefined : classOf(rule);
  return rules
    .slice(index + 1)
    .some(({ rule: other }) => other.action === positive && !NAMED_ONLY.includes(other.func));
}

/** @returns what the rule takes in, where that is too much */
function broadness(rule: Rule): string | undefined {
  const { func, mask, ids, labels, fsuuid, fsSubtype } = rule;
  if (func !== undefined || mask !== undefined || labels.size > 0) return undefined;
  if (fsuuid !== undefined || fsSubtype !== undefined) return undefined;
  if (!selectsFileSystem(rule)) {
    if (ids.size === 0) return 'it matches everything';
    return isForRoot(rule) ? `it matches all of root's` : undefined;
  }
  const fileSystem = fileSystemOf(rule);
  if (ids.size > 0 || fileSystem?.kind !== 'files' || fileSystem.names[0] === 'overlay') return undefined;
  return `it matches every file on ${fileSystem.names[0]}`;
}

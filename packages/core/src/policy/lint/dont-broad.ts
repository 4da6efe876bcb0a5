import type { Rule } from '../rule.ts';
import { fileSystemOf } from './file-systems.ts';
import { findingAt, type LintedRule, type LintFinding } from './finding.ts';
import { isForRoot, selectsFileSystem } from './scope.ts';

/** A rule without a function never takes anything from those. */
const NAMED_ONLY: readonly (string | undefined)[] = ['KEY_CHECK', 'CRITICAL_DATA', 'SETXATTR_CHECK'];

/** dont_measure and dont_appraise that take more from the rules behind them than anybody means. */
export function lintAllDont(rules: readonly LintedRule[]): LintFinding[] {
  const last = { measure: lastOf(rules, 'measure'), appraise: lastOf(rules, 'appraise') };
  return rules.flatMap((linted, index) => {
    const verb = VERBS.find((each) => linted.rule.action === `dont_${each}`);
    const why = verb === undefined || last[verb] < index ? undefined : broadness(linted.rule);
    if (why === undefined) return [];
    const message = `too broad: ${why}, and no rule behind this one can ${verb} it`;
    return [findingAt(linted, '', { code: 'LINT-DONT-BROAD', severity: 'warning', message })];
  });
}

const VERBS = ['measure', 'appraise'] as const;

/** Place of the last rule from which a rule without a function can take something; -1 without one. */
function lastOf(rules: readonly LintedRule[], action: (typeof VERBS)[number]): number {
  return rules.findLastIndex(({ rule }) => rule.action === action && !NAMED_ONLY.includes(rule.func));
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

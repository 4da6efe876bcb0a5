import type { Rule } from '../rule.ts';
import { findingAt, type LintedRule, type LintFinding } from './finding.ts';
import { isForRoot, readsFiles, runsPrograms, selectsFileSystem } from './scope.ts';

/** The first rule that keeps a system from starting whose files have no labels; that for files before that for programs. */
export function lintLabels(rules: readonly LintedRule[]): LintFinding[] {
  const wide = rules.filter(({ rule }) => rule.action === 'appraise' && isWide(rule));
  const files = wide.find(({ rule }) => readsFiles(rule));
  const found = files ?? wide.find(({ rule }) => runsPrograms(rule));
  if (found === undefined) return [];
  const what = files === undefined ? 'every program needs a label' : `every file of root's needs a label`;
  const message = `${what}, or the system does not start: try the policy with ima_appraise=log first`;
  const severity = files === undefined ? 'note' : 'warning';
  return [findingAt(found, '', { code: 'LINT-LABELS', severity, message })];
}

/** It takes in the root file system, whose files are root's. */
function isWide(rule: Rule): boolean {
  return !selectsFileSystem(rule) && rule.labels.size === 0 && (rule.ids.size === 0 || isForRoot(rule));
}

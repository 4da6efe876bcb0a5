import type { Rule } from '../rule.ts';
import { findingAt, type LintedRule, type LintFinding } from './finding.ts';
import { isForRoot, readsFiles, selectsFileSystem } from './scope.ts';

/** The first rule that measures whatever is read. */
export function lintExcess(rules: readonly LintedRule[]): LintFinding[] {
  const found = rules.find(({ rule }) => rule.action === 'measure' && isExcessive(rule));
  if (found === undefined) return [];
  const byAll = found.rule.ids.size === 0;
  const message =
    `every file that ${byAll ? 'anybody' : 'root'} reads becomes an entry, logs and data, too: ` +
    'narrow it, such as by obj_type, fowner or mask=MAY_EXEC';
  return [findingAt(found, '', { code: 'LINT-EXCESS', severity: byAll ? 'warning' : 'note', message })];
}

function isExcessive(rule: Rule): boolean {
  if (!readsFiles(rule) || selectsFileSystem(rule) || rule.labels.size > 0) return false;
  return rule.ids.size === 0 || (isForRoot(rule) && !rule.ids.has('fowner') && !rule.ids.has('fgroup'));
}

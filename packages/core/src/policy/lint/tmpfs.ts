import { ruleText } from '../lines.ts';
import { fileSystemOf } from './file-systems.ts';
import { findingAt, type LintedRule, type LintFinding, type LintFix } from './finding.ts';
import { isAction, runsPrograms, selectsFileSystem } from './scope.ts';

/** Programs that run from memory and escape the rules for programs: the first such hole of each class of actions. */
export function lintTmpfs(rules: readonly LintedRule[]): LintFinding[] {
  return (['measure', 'appraise'] as const).flatMap((positive) => {
    const index = rules.findIndex(({ rule }) => isAction(rule, `dont_${positive}`) && isHole(rule));
    const hole = rules[index];
    if (hole === undefined || !rules.slice(index).some(({ rule }) => rule.action === positive && isWanted(rule)))
      return [];
    const done = positive === 'measure' ? 'measured' : 'checked';
    const message = `programs that are started from memory (/tmp, /dev/shm, memfd_create) are not ${done}`;
    const fix = positive === 'measure' && hole.rule.func === undefined ? { fix: narrowed(hole) } : {};
    return [findingAt(hole, 'fs', { code: 'LINT-TMPFS', severity: 'note', message, ...fix })];
  });
}

function isHole(rule: LintedRule['rule']): boolean {
  const isWhole = rule.ids.size === 0 && rule.labels.size === 0 && rule.fsuuid === undefined;
  return isWhole && runsPrograms(rule) && fileSystemOf(rule)?.kind === 'memory';
}

function isWanted(rule: LintedRule['rule']): boolean {
  return runsPrograms(rule) && !selectsFileSystem(rule);
}

/** As the kernel's own rule for tmpfs is since 6.14. */
function narrowed({ source }: LintedRule): LintFix {
  return { safe: false, text: `${ruleText(source)} func=FILE_CHECK` };
}

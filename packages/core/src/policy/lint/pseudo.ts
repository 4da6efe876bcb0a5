import { fileSystemOf } from './file-systems.ts';
import { findingAt, type LintedRule, type LintFinding } from './finding.ts';
import { isAction, readsFiles, selectsFileSystem } from './scope.ts';

/** What the built-in policies leave out and every machine has; the kernel's list is longer. */
const LEFT_OUT = 'proc sysfs debugfs tmpfs devpts binfmt_misc securityfs selinuxfs cgroup cgroup2 nsfs efivarfs'.split(
  ' ',
);

const WHY = {
  measure: 'their files change with every read, and each read adds an entry',
  appraise: 'their files have no label, and to read them would be denied',
};

/** Rules for all files that are read, without rules in front of them that leave out what the kernel makes up. */
export function lintPseudo(rules: readonly LintedRule[]): LintFinding[] {
  return (['measure', 'appraise'] as const).flatMap((positive) => {
    const index = rules.findIndex(({ rule }) => rule.action === positive && readsAnyFile(rule));
    const broad = rules[index];
    if (broad === undefined) return [];
    const out = new Set(rules.slice(0, index).flatMap(({ rule }) => leftOut(rule, positive)));
    const missing = LEFT_OUT.filter((name) => !out.has(name));
    if (missing.length === 0) return [];
    const message = `no dont_${positive} in front of it for ${missing.join(', ')}: ${WHY[positive]}`;
    return [findingAt(broad, '', { code: 'LINT-PSEUDO', severity: 'warning', message })];
  });
}

function readsAnyFile(rule: LintedRule['rule']): boolean {
  return readsFiles(rule) && !selectsFileSystem(rule) && rule.labels.size === 0;
}

function leftOut(rule: LintedRule['rule'], positive: 'measure' | 'appraise'): readonly string[] {
  if (!isAction(rule, `dont_${positive}`)) return [];
  if (!readsFiles(rule) || rule.ids.size > 0 || rule.labels.size > 0) return [];
  if (!selectsFileSystem(rule)) return LEFT_OUT;
  return fileSystemOf(rule)?.names.slice(0, 1) ?? [];
}

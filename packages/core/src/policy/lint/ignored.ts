import type { KernelProfile } from '../profile.ts';
import { findingAt, safeFix, type LintedRule, type LintFinding } from './finding.ts';

/** ima_match_rule_data looks at the function, the user and the list of names alone. */
export function lintIgnored(rules: readonly LintedRule[]): LintFinding[] {
  return rules.flatMap((linted) => {
    const { func, ids } = linted.rule;
    if ((func !== 'KEY_CHECK' && func !== 'CRITICAL_DATA') || !ids.has('group')) return [];
    const message = `the kernel ignores gid in rules with func=${func}`;
    const word = linted.source.tokens.findIndex(({ text }) => /^e?gid[=<>]/.test(text));
    const fix = safeFix(linted, [{ word, by: '' }]);
    const about = linted.source.tokens[word]?.text ?? '';
    return [findingAt(linted, about, { code: 'LINT-IGNORED', severity: 'warning', message, fix })];
  });
}

/** The first rule that appraises, in a policy for a kernel that does not. */
export function lintNoAppraisal(rules: readonly LintedRule[], profile: KernelProfile): LintFinding[] {
  const first = profile.appraise ? undefined : rules.find(({ rule }) => rule.action === 'appraise');
  if (first === undefined) return [];
  const message = 'this kernel was built without CONFIG_IMA_APPRAISE: rules that appraise do nothing';
  return [findingAt(first, '', { code: 'LINT-IGNORED', severity: 'warning', message })];
}

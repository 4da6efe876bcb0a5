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

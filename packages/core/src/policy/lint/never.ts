import { findingAt, type LintedRule, type LintFinding } from './finding.ts';

/** Conditions that are never true. */
export function lintNever(rules: readonly LintedRule[]): LintFinding[] {
  return rules.flatMap((linted) => {
    const { mask, labels } = linted.rule;
    const findings: LintFinding[] = [];
    if (mask?.name === 'MAY_APPEND' && !mask.any) {
      const message = 'mask=MAY_APPEND never matches: who appends has write access, too';
      findings.push(findingAt(linted, 'mask=', { code: 'LINT-NEVER', severity: 'warning', message }));
    }
    const [inactive] = [...labels].find(([, { active }]) => !active) ?? [];
    if (inactive !== undefined) {
      const message = 'a label that no security module resolves never matches';
      findings.push(findingAt(linted, `${inactive}=`, { code: 'LINT-NEVER', severity: 'warning', message }));
    }
    const word = linted.source.tokens.find(({ text }) => /^(fsname|fs_subtype|keyrings|label)=.*\r$/.test(text));
    if (word !== undefined) {
      const message = 'never matches: the value ends in a carriage return; save the file with Unix line ends';
      findings.push(findingAt(linted, word.text, { code: 'LINT-NEVER', severity: 'warning', message }));
    }
    return findings;
  });
}

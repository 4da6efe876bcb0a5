import { ruleText } from '../lines.ts';
import { findingAt, type LintedRule, type LintFinding } from './finding.ts';

/** A mask without ^ equals the whole access: MAY_READ alone misses O_RDWR. */
export function lintMaskExact(rules: readonly LintedRule[]): LintFinding[] {
  return rules.flatMap((linted) => {
    const { rule, source } = linted;
    if (rule.func !== 'FILE_CHECK' || rule.mask?.name !== 'MAY_READ' || rule.mask.any) return [];
    const message = 'mask=MAY_READ misses files that are opened for reading and writing; ^MAY_READ does not';
    const tokens = source.tokens.map((token) =>
      token.text === 'mask=MAY_READ' ? { ...token, text: 'mask=^MAY_READ' } : token,
    );
    const fix = { safe: false, text: ruleText({ ...source, tokens }) } as const;
    return [findingAt(linted, 'mask=', { code: 'LINT-MASK-EXACT', severity: 'warning', message, fix })];
  });
}

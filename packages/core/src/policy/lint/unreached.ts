import type { Rule } from '../rule.ts';
import { covers } from './covers.ts';
import { findingAt, removedRule, type LintedRule, type LintFinding } from './finding.ts';
import { classOf } from './scope.ts';

/** More rules than these are not compared with each other: the work grows with their square. */
const COMPARED = 4096;

/** Rules that an earlier one keeps from ever deciding. */
export function lintUnreached(rules: readonly LintedRule[]): LintFinding[] {
  return rules.slice(0, COMPARED).flatMap((later, index) => {
    const before = rules.slice(0, index).find((other) => comesFirst(other.rule, later.rule));
    if (before === undefined) return [];
    const message = `never decides: line ${before.source.number} matches everything that this rule matches`;
    const text = { code: 'LINT-UNREACHED', severity: 'warning', message } as const;
    const fix = isIdle(before.rule, later.rule) ? { fix: removedRule(later) } : {};
    return [findingAt(later, '', { ...text, ...fix })];
  });
}

/** The first match decides its class of actions, with or without dont_; of SETXATTR_CHECK only the first rule counts. */
function comesFirst(earlier: Rule, later: Rule): boolean {
  if (later.func === 'SETXATTR_CHECK') return earlier.func === 'SETXATTR_CHECK';
  return classOf(earlier) === classOf(later) && covers(earlier, later);
}

/**
 * Whether the later rule adds nothing to the earlier one. Behind the opposite action it is misplaced rather than idle; and
 * a rule that appraises makes the kernel demand signed modules, firmware or policies by being there (ima_appraise_flag).
 */
function isIdle(earlier: Rule, later: Rule): boolean {
  return earlier.action === later.action && (later.action !== 'appraise' || earlier.func === later.func);
}

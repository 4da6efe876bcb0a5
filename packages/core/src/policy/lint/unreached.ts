import type { Rule } from '../rule.ts';
import { covers } from './covers.ts';
import { findingAt, removedRule, type LintedRule, type LintFinding } from './finding.ts';
import { classOf } from './scope.ts';

/** Comparisons of two rules, of which a policy of more rules than anybody writes would need too many. */
const COMPARISONS = 2 ** 22;

/** Rules that an earlier one keeps from ever deciding. */
export function lintUnreached(rules: readonly LintedRule[]): LintFinding[] {
  const reached: LintedRule[] = [];
  const findings: LintFinding[] = [];
  let left = COMPARISONS;
  for (const later of rules) {
    const place = left <= 0 ? -1 : reached.findIndex((other) => comesFirst(other.rule, later.rule));
    const before = reached[place];
    left -= before === undefined ? reached.length : place + 1;
    if (before === undefined) reached.push(later);
    else findings.push(unreachedBehind(before, later));
  }
  return findings;
}

function unreachedBehind(before: LintedRule, later: LintedRule): LintFinding {
  const message = `never decides: line ${before.source.number} matches everything that this rule matches`;
  const text = { code: 'LINT-UNREACHED', severity: 'warning', message } as const;
  const fix = isIdle(before.rule, later.rule) ? { fix: removedRule(later) } : {};
  return findingAt(later, '', { ...text, ...fix });
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

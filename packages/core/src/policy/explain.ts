import {
  evaluate,
  KEPT_LINE,
  matchesEvent,
  type ActionClass,
  type ActivePolicy,
  type PreparedRule,
} from './evaluate.ts';
import type { PolicyEvent } from './event.ts';
import type { Condition } from './match.ts';

/** A condition that keeps a rule from matching, or of which it is not known whether it does. */
export interface UnmetCondition {
  /** As a rule writes it. */
  readonly wanted: string;
  /** What the event has; undefined where it does not tell. */
  readonly found?: string;
}

/** A rule that does not decide, and why not. */
export interface OtherRule {
  readonly rule: PreparedRule;
  readonly unmet: readonly UnmetCondition[];
}

/** How a class of actions is decided, with all that a person needs to believe it. */
export interface ClassExplanation {
  readonly class: ActionClass;
  /** The rule that decides. */
  readonly rule?: PreparedRule;
  /** Rules in front of it that decide instead if the conditions of which nothing is known hold. */
  readonly possible: readonly OtherRule[];
  /** Rules behind it that match, too, and come too late. */
  readonly late: readonly PreparedRule[];
  /** Of the rules that do not match, those that fewest conditions keep from it. */
  readonly near: readonly OtherRule[];
  /** The answer in words. */
  readonly sentence: string;
}

const NEAR_LIMIT = 3;

/** The answer of `evaluate` in words, for each class of which the policy has a positive rule. */
export function explain(policy: ActivePolicy, event: PolicyEvent): ClassExplanation[] {
  const { decisions, actions } = evaluate(policy, event);
  return [...decisions].map(([name, { rule, possible }]) => {
    const ofClass = policy.rules.filter((other) => other.class === name);
    const others = ofClass.filter((other) => other !== rule);
    const behind = rule === undefined ? [] : ofClass.slice(ofClass.indexOf(rule) + 1);
    const late = behind.filter((other) => matchesEvent(other, event) === true);
    const maybe = possible.map((other) => ({ rule: other, unmet: unmet(other, event, undefined) }));
    const sentence = sentenceOf(name, rule, possible, actions.has(name));
    return {
      class: name,
      ...(rule === undefined ? {} : { rule }),
      possible: maybe,
      late,
      near: nearest(others, event),
      sentence,
    };
  });
}

function unmet(rule: PreparedRule, event: PolicyEvent, holding: false | undefined): UnmetCondition[] {
  return rule.conditions
    .filter(({ holds }) => holds(event) === holding)
    .map((condition) => described(condition, event));
}

function described({ text, found }: Condition, event: PolicyEvent): UnmetCondition {
  const here = found(event);
  return { wanted: text, ...(here === undefined ? {} : { found: here }) };
}

function nearest(others: readonly PreparedRule[], event: PolicyEvent): OtherRule[] {
  const failed = others
    .map((rule) => ({ rule, unmet: unmet(rule, event, false) }))
    .filter(({ unmet: conditions }) => conditions.length > 0);
  const order = (a: OtherRule, b: OtherRule): number => a.unmet.length - b.unmet.length || held(b) - held(a);
  return failed.toSorted(order).slice(0, NEAR_LIMIT);
}

/** Conditions that are written and hold. */
function held({ rule: { rule, conditions }, unmet: failed }: OtherRule): number {
  return conditions.length - failed.length - (rule.func === undefined ? 1 : 0);
}

const DONE: Readonly<Record<ActionClass, readonly [positive: string, negative: string]>> = {
  measure: ['measured', 'not measured'],
  appraise: ['appraised', 'not appraised'],
  audit: ['audited', 'not audited'],
  hash: ['given a hash label when it is written', 'not given a hash label'],
};

function sentenceOf(
  name: ActionClass,
  rule: PreparedRule | undefined,
  possible: readonly PreparedRule[],
  isDone: boolean,
): string {
  const [positive, negative] = DONE[name];
  const unless =
    possible.length === 0 ? '' : `, unless ${possible.map(rulePlace).join(' or ')} matches, of which not all is known`;
  if (rule === undefined) return `${negative}: no rule matches${unless}`;
  if (!rule.positive) return `${negative}: ${rulePlace(rule)} excepts it${unless}`;
  if (!isDone)
    return `${negative}: ${rulePlace(rule)} would, but the appraise rule behind it takes its effect${unless}`;
  return `${positive} by ${rulePlace(rule)}${unless}`;
}

/** `line 3`, or that it is one of those that no policy can remove. */
export function rulePlace({ line }: PreparedRule): string {
  return line === KEPT_LINE ? 'a rule that the kernel keeps' : `line ${line}`;
}

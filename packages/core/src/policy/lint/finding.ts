import type { LintCode } from '../../errors/index.ts';
import { ruleText, type PolicyLine, type PolicyToken } from '../lines.ts';
import type { KernelProfile } from '../profile.ts';
import type { Rule } from '../rule.ts';

/** What the kernel accepts and still is a mistake, or worth a second look. */
export interface LintFinding {
  readonly line: number;
  /** Of the word that it is about, from 1. */
  readonly column: number;
  readonly code: LintCode;
  readonly severity: 'warning' | 'note';
  readonly message: string;
  readonly fix?: LintFix;
}

/** A better rule. It is safe where every decision of the kernel stays as it was; then `fixPolicy` applies it. */
export type LintFix =
  | { readonly safe: false; readonly text: string }
  | { readonly safe: true; readonly text: string; readonly edits: readonly WordEdit[] };

/** A word of a line by its place in `tokens`, and what stands there instead: nothing, where the text is empty. */
export interface WordEdit {
  readonly word: number;
  readonly by: string;
}

/** An accepted rule with the line that it stands in. */
export interface LintedRule {
  readonly rule: Rule;
  readonly source: PolicyLine;
  /** What people wrote behind the rule, or in the lines of comment right above it. */
  readonly comment: string;
  /** The comment stands above, and the line below holds a rule without one: it may be about several rules. */
  readonly leads: boolean;
}

/** One lint looks at all rules of a policy, in their order, and at the kernel that is to load it. */
export type Lint = (rules: readonly LintedRule[], profile: KernelProfile) => readonly LintFinding[];

type Text = Pick<LintFinding, 'code' | 'severity' | 'message'> & Partial<Pick<LintFinding, 'fix'>>;

/** @param about what the word begins with that the finding points at; the rule itself where it has no such word */
export function findingAt({ source }: LintedRule, about: string, text: Text): LintFinding {
  const word = source.tokens.find((token) => token.text.startsWith(about)) ?? source.tokens[0];
  return { line: source.number, column: word?.column ?? 1, ...text };
}

/** The rule with other words in place of some of its own, which changes no decision. */
export function safeFix({ source }: LintedRule, edits: readonly WordEdit[]): LintFix {
  return { safe: true, text: ruleText({ ...source, tokens: editedWords(source, edits) }), edits };
}

export function removedRule(rule: LintedRule): LintFix {
  return safeFix(
    rule,
    rule.source.tokens.map((_, word) => ({ word, by: '' })),
  );
}

/** The words of a line after edits; the first one left keeps the space in front of the line. */
export function editedWords({ tokens }: PolicyLine, edits: readonly WordEdit[]): PolicyToken[] {
  const texts = new Map(edits.map(({ word, by }) => [word, by]));
  const left = tokens
    .map((token, index) => ({ ...token, text: texts.get(index) ?? token.text }))
    .filter(({ text }) => text !== '');
  return left.map((token, index) => (index === 0 ? { ...token, before: tokens[0]?.before ?? '' } : token));
}

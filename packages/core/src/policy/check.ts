import { exceededLimit } from './limits.ts';
import { ruleText, type PolicyLine } from './lines.ts';
import { hasVersion, type KernelProfile } from './profile.ts';
import { refusal, type Refusal } from './refusal.ts';
import { emptyDraft, type Rule } from './rule.ts';
import { readWord } from './words.ts';

/** What a kernel says to one rule. */
export type CheckedRule = { readonly line: number; readonly text: string } & (
  | { readonly accepted: true; readonly rule: Rule }
  | { readonly accepted: false; readonly refusal: Refusal }
);

/** Why a kernel does not take a policy although it accepts each of its rules. */
export interface LoadProblem {
  readonly code: 'POLICY-EMPTY' | 'POLICY-LAST-NEWLINE' | 'POLICY-LINE-LENGTH';
  /** What does not work: writing the policy's path to the kernel, writing its text, or neither. */
  readonly bars: 'path' | 'text' | 'both';
  readonly line: number;
  readonly message: string;
}

export interface CheckedPolicy {
  /** Whether the kernel takes every rule, and the policy in one way at least: by its path or as text. */
  readonly accepted: boolean;
  readonly rules: readonly CheckedRule[];
  readonly load: readonly LoadProblem[];
}

/** What the kernel does with each rule, and whether it takes the policy as a whole. */
export function checkPolicy(lines: readonly PolicyLine[], profile: KernelProfile): CheckedPolicy {
  const rules = lines.filter(({ tokens }) => tokens.length > 0).map((line) => checkRule(line, profile));
  const load = loadProblems(lines, rules.length);
  return { accepted: isLoadable(load) && rules.every(({ accepted }) => accepted), rules, load };
}

/** ima_parse_rule and ima_validate_rule (security/integrity/ima/ima_policy.c) for a line that has words. */
export function checkRule(line: PolicyLine, profile: KernelProfile): CheckedRule {
  const place = { line: line.number, text: ruleText(line) };
  const draft = emptyDraft();
  for (const token of line.tokens) {
    const refused = readWord(token, draft, profile);
    if (refused !== undefined) return { ...place, accepted: false, refusal: refused };
  }
  const refused = refusedComment(line, profile) ?? exceededLimit(draft, profile);
  return refused === undefined
    ? { ...place, accepted: true, rule: draft }
    : { ...place, accepted: false, refusal: refused };
}

function refusedComment({ comment }: PolicyLine, profile: KernelProfile): Refusal | undefined {
  if (comment === undefined || hasVersion(profile, '6.14')) return undefined;
  return refusal('RULE-KERNEL-VERSION', 'a comment behind a rule needs Linux 6.14 or later', comment);
}

function isLoadable(problems: readonly LoadProblem[]): boolean {
  return (['path', 'text'] as const).some((way) => problems.every(({ bars }) => bars !== 'both' && bars !== way));
}

/** A write is cut to one byte less than a page. */
const WRITE_LIMIT = 4095;

function loadProblems(lines: readonly PolicyLine[], rules: number): LoadProblem[] {
  const last = lines.at(-1);
  const line = last?.number ?? 1;
  const problems = lines.filter(isOverLimit).map(({ number }): LoadProblem => {
    const message = `longer than ${WRITE_LIMIT} bytes: a policy that is written line by line is cut there`;
    return { code: 'POLICY-LINE-LENGTH', bars: 'text', line: number, message };
  });
  if (rules === 0)
    problems.push({
      code: 'POLICY-EMPTY',
      bars: 'both',
      line,
      message: 'no rule: the kernel drops the load without a word',
    });
  if (last?.end === '') {
    const message = 'the last line is not ended: loaded by its path the whole policy is refused';
    problems.push({ code: 'POLICY-LAST-NEWLINE', bars: 'path', line, message });
  }
  return problems;
}

function isOverLimit({ tokens, comment, after }: PolicyLine): boolean {
  const words = comment === undefined ? tokens : [...tokens, comment];
  const text = words.map((word) => word.before + word.text).join('') + after;
  return new TextEncoder().encode(text).length > WRITE_LIMIT;
}

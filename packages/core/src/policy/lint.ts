import type { LintCode } from '../errors/index.ts';
import type { CheckedRule } from './check.ts';
import { covers } from './covers.ts';
import { ruleText, type PolicyLine } from './lines.ts';
import type { Rule } from './rule.ts';

/** What the kernel accepts and still is a mistake. */
export interface LintFinding {
  readonly line: number;
  readonly code: LintCode;
  readonly severity: 'warning' | 'note';
  readonly message: string;
  /** The rule as it should be, where that is certain. */
  readonly fix?: string;
}

type Accepted = CheckedRule & { readonly accepted: true };

/** @param rules what `checkPolicy` said to these lines; those that are refused are passed over */
export function lintPolicy(lines: readonly PolicyLine[], rules: readonly CheckedRule[]): LintFinding[] {
  const accepted = rules.filter((rule): rule is Accepted => rule.accepted);
  const lineOf = new Map(lines.map((line) => [line.number, line]));
  const found = accepted.flatMap(({ line, rule }) => {
    const source = lineOf.get(line);
    const words = source === undefined ? [] : lintWords(source, rule);
    return [...words, ...lintRule(rule, line)];
  });
  return [...found, ...unreached(accepted)].toSorted((a, b) => a.line - b.line);
}

const OLD_NAMES: ReadonlyMap<string, string> = new Map([
  ['func=PATH_CHECK', 'func=FILE_CHECK'],
  ['func=FILE_MMAP', 'func=MMAP_CHECK'],
]);

function lintWords(source: PolicyLine, { fsname }: Rule): LintFinding[] {
  const line = source.number;
  const texts = source.tokens.map(({ text }) => text);
  const old = texts.find((text) => OLD_NAMES.has(text));
  const findings: LintFinding[] = [];
  if (old !== undefined) {
    const name = OLD_NAMES.get(old) ?? old;
    const message = `${old} is the old name of ${name}`;
    findings.push({ line, code: 'LINT-OLD-NAME', severity: 'note', message, fix: replaced(source, old, name) });
  }
  if (texts.filter((text) => text.startsWith('fsname=')).length > 1) {
    const message = `of several fsname only the last counts: ${fsname}`;
    findings.push({ line, code: 'LINT-REPEATED', severity: 'warning', message });
  }
  const exact = 'mask=MAY_READ';
  if (texts.includes(exact) && texts.includes('func=FILE_CHECK')) {
    const message = 'mask=MAY_READ misses files that are opened for reading and writing; ^MAY_READ does not';
    const fix = replaced(source, exact, 'mask=^MAY_READ');
    findings.push({ line, code: 'LINT-MASK-EXACT', severity: 'warning', message, fix });
  }
  return findings;
}

function replaced(source: PolicyLine, text: string, by: string): string {
  const tokens = source.tokens.map((token) => (token.text === text ? { ...token, text: by } : token));
  return ruleText({ ...source, tokens });
}

function lintRule({ func, mask, ids, labels }: Rule, line: number): LintFinding[] {
  const findings: LintFinding[] = [];
  if (mask?.name === 'MAY_APPEND' && !mask.any) {
    const message = 'mask=MAY_APPEND never matches: who appends has write access, too';
    findings.push({ line, code: 'LINT-NEVER', severity: 'warning', message });
  }
  if ([...labels.values()].some(({ active }) => !active)) {
    const message = 'a label that no security module resolves never matches';
    findings.push({ line, code: 'LINT-NEVER', severity: 'warning', message });
  }
  if ((func === 'KEY_CHECK' || func === 'CRITICAL_DATA') && ids.has('group')) {
    const message = `the kernel ignores gid in rules with func=${func}`;
    findings.push({ line, code: 'LINT-IGNORED', severity: 'warning', message });
  }
  return findings;
}

/** More rules than these are not compared with each other: the work grows with their square. */
const COMPARED = 4096;

function unreached(rules: readonly Accepted[]): LintFinding[] {
  return rules.slice(0, COMPARED).flatMap(({ line, rule }, index) => {
    const before = rules.slice(0, index).find((other) => comesFirst(other.rule, rule));
    if (before === undefined) return [];
    const message = `never decides: line ${before.line} matches everything that this rule matches`;
    return [{ line, code: 'LINT-UNREACHED', severity: 'warning', message } as const];
  });
}

/** The first match decides its class of actions, with or without dont_; of SETXATTR_CHECK only the first rule counts. */
function comesFirst(earlier: Rule, later: Rule): boolean {
  if (later.func === 'SETXATTR_CHECK') return earlier.func === 'SETXATTR_CHECK';
  return classOf(earlier) === classOf(later) && covers(earlier, later);
}

function classOf({ action }: Rule): string | undefined {
  return action?.replace('dont_', '');
}

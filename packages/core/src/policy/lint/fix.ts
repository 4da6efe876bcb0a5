import { checkPolicy } from '../check.ts';
import { parsePolicy, printPolicy, type PolicyLine } from '../lines.ts';
import type { KernelProfile } from '../profile.ts';
import { editedWords, type LintFinding, type LintFix } from './finding.ts';
import { lintPolicy } from './lint.ts';

export interface FixedPolicy {
  /** Lines that are left keep their numbers. */
  readonly lines: readonly PolicyLine[];
  /** What was mended. */
  readonly fixed: readonly LintFinding[];
}

/**
 * Applies every safe fix, until there is none. Each decision of the kernel stays as it was; comments stay, that of a rule
 * that is removed in a line of its own.
 */
export function fixPolicy(lines: readonly PolicyLine[], profile: KernelProfile): FixedPolicy {
  const found = lintPolicy(lines, checkPolicy(lines, profile).rules, profile).filter(({ fix }) => fix?.safe === true);
  if (found.length === 0) return { lines, fixed: [] };
  // One fix a line and round: the others of this line are found again in the line as it then is.
  const first = new Map(found.toReversed().map((finding) => [finding.line, finding]));
  const again = fixPolicy(
    lines.flatMap((line) => fixedLine(line, first.get(line.number)?.fix)),
    profile,
  );
  return { lines: again.lines, fixed: [...first.values()].concat(again.fixed).toSorted((a, b) => a.line - b.line) };
}

function fixedLine(line: PolicyLine, fix: LintFix | undefined): readonly PolicyLine[] {
  if (fix?.safe !== true) return [line];
  const tokens = editedWords(line, fix.edits);
  if (tokens.length > 0) return reread({ ...line, tokens });
  if (line.comment === undefined) return [];
  return reread({ ...line, tokens, comment: { ...line.comment, before: line.tokens[0]?.before ?? '' } });
}

/** The same line with the columns that its words have now. */
function reread(line: PolicyLine): readonly PolicyLine[] {
  return parsePolicy(printPolicy([line])).map((each) => ({ ...each, number: line.number }));
}

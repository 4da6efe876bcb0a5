import type { CheckedRule } from '../check.ts';
import type { PolicyLine } from '../lines.ts';
import type { KernelProfile } from '../profile.ts';
import { lintAllDont } from './dont-broad.ts';
import { lintExcess } from './excess.ts';
import type { Lint, LintedRule, LintFinding } from './finding.ts';
import { lintIgnored, lintNoAppraisal } from './ignored.ts';
import { lintLabels } from './labels.ts';
import { lintMagicName, lintMagicUnknown } from './magic.ts';
import { lintMaskExact } from './mask-exact.ts';
import { lintNever } from './never.ts';
import { lintOldName } from './old-name.ts';
import { lintOverlay } from './overlay.ts';
import { lintPseudo } from './pseudo.ts';
import { lintRepeated } from './repeated.ts';
import { lintSignatures } from './signatures.ts';
import { lintTmpfs } from './tmpfs.ts';
import { lintUnreached } from './unreached.ts';

const LINTS: readonly Lint[] = [
  lintUnreached,
  lintNever,
  lintMaskExact,
  lintRepeated,
  lintIgnored,
  lintNoAppraisal,
  lintOldName,
  lintAllDont,
  lintMagicName,
  lintMagicUnknown,
  lintTmpfs,
  lintOverlay,
  lintPseudo,
  lintSignatures,
  lintLabels,
  lintExcess,
];

/**
 * What the kernel accepts and still is a mistake, in the order of lines. A comment `assay: allow CODE` behind a rule or
 * right above it silences the codes it names, separated by commas, for that rule.
 * @param checked what `checkPolicy` said to these lines for this kernel; rules that are refused are passed over
 */
export function lintPolicy(
  lines: readonly PolicyLine[],
  checked: readonly CheckedRule[],
  profile: KernelProfile,
): LintFinding[] {
  const rules = lintedRules(lines, checked);
  const allowed = new Map(rules.map(({ source, comment }) => [source.number, allowedCodes(comment)]));
  return LINTS.flatMap((lint) => lint(rules, profile))
    .filter(({ line, code }) => allowed.get(line)?.includes(code) !== true)
    .toSorted((a, b) => a.line - b.line || a.column - b.column);
}

function lintedRules(lines: readonly PolicyLine[], checked: readonly CheckedRule[]): LintedRule[] {
  const placeOf = new Map(lines.map(({ number }, index) => [number, index]));
  return checked.flatMap((each) => {
    const index = placeOf.get(each.line);
    const source = index === undefined ? undefined : lines[index];
    if (!each.accepted || index === undefined || source === undefined) return [];
    const below = lines[index + 1];
    const leads =
      source.comment === undefined && below !== undefined && below.tokens.length > 0 && below.comment === undefined;
    return [{ rule: each.rule, source, comment: commentOf(lines, index), leads }];
  });
}

/** Comments above are read up to this many lines, so that the work does not grow with their square. */
const LINES_ABOVE = 20;

function commentOf(lines: readonly PolicyLine[], index: number): string {
  const behind = lines[index]?.comment;
  if (behind !== undefined) return behind.text;
  const above = lines.slice(Math.max(0, index - LINES_ABOVE), index);
  const start = above.findLastIndex(({ tokens, comment }) => tokens.length > 0 || comment === undefined);
  return above
    .slice(start + 1)
    .map(({ comment }) => comment?.text ?? '')
    .join('\n');
}

function allowedCodes(comment: string): readonly string[] {
  return [...comment.matchAll(/\bassay: allow ((?:[A-Z-]+(?:, ?)?)+)/g)].flatMap(([, codes = '']) =>
    codes.split(/, ?/),
  );
}

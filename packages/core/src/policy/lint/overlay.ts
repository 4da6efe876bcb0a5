import type { Rule } from '../rule.ts';
import { fileSystemOf } from './file-systems.ts';
import { findingAt, type LintedRule, type LintFinding } from './finding.ts';
import { isAction, runsPrograms, selectsFileSystem } from './scope.ts';

/**
 * Programs in containers: the kernel sees them on overlayfs, whose magic number and UUID are its own, and not those of the
 * disk below.
 */
export function lintOverlay(rules: readonly LintedRule[]): LintFinding[] {
  return (['measure', 'appraise'] as const).flatMap((positive) => {
    const wanted = rules.filter(({ rule }) => rule.action === positive && runsPrograms(rule));
    const about = left(rules, positive, wanted) ?? missed(wanted);
    if (about === undefined) return [];
    const done = positive === 'measure' ? 'measured' : 'checked';
    const message = `programs in containers are on overlayfs (0x794c7630), and are not ${done}`;
    return [findingAt(about, 'fs', { code: 'LINT-OVERLAY', severity: 'note', message })];
  });
}

/** The rule that leaves them out, where others would take them in. */
function left(
  rules: readonly LintedRule[],
  positive: 'measure' | 'appraise',
  wanted: readonly LintedRule[],
): LintedRule | undefined {
  if (!wanted.some(({ rule }) => !selectsFileSystem(rule))) return undefined;
  return rules.find(
    ({ rule }) =>
      isAction(rule, `dont_${positive}`) &&
      isOverlay(rule) &&
      runsPrograms(rule) &&
      rule.ids.size + rule.labels.size === 0,
  );
}

/** The first of the rules for programs, where all of them are for single disks or kinds of them. */
function missed(wanted: readonly LintedRule[]): LintedRule | undefined {
  return wanted.every(({ rule }) => isDisk(rule)) ? wanted[0] : undefined;
}

function isDisk(rule: Rule): boolean {
  if (rule.fsuuid !== undefined) return true;
  return fileSystemOf(rule)?.kind === 'files' && !isOverlay(rule);
}

function isOverlay(rule: Rule): boolean {
  return fileSystemOf(rule)?.names[0] === 'overlay';
}

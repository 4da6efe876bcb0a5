import { findingAt, safeFix, type LintedRule, type LintFinding } from './finding.ts';

/** Words that may stand several times, of which the last one counts. */
const REPEATABLE = ['fsname=', 'pcr=', 'permit_directio'];

export function lintRepeated(rules: readonly LintedRule[]): LintFinding[] {
  return rules.flatMap((linted) =>
    REPEATABLE.flatMap((name) => {
      const words = [...linted.source.tokens.entries()].filter(([, { text }]) => text.startsWith(name));
      const last = words.pop()?.[1];
      if (last === undefined || words.length === 0) return [];
      const message = `of several ${name.replace('=', '')} only the last counts: ${last.text}`;
      const edits = words.map(([word]) => ({ word, by: '' }));
      const fix = safeFix(linted, edits);
      return [findingAt(linted, name, { code: 'LINT-REPEATED', severity: 'warning', message, fix })];
    }),
  );
}

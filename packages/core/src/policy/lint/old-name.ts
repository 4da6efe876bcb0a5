import { findingAt, safeFix, type LintedRule, type LintFinding } from './finding.ts';

const OLD_NAMES: ReadonlyMap<string, string> = new Map([
  ['func=PATH_CHECK', 'func=FILE_CHECK'],
  ['func=FILE_MMAP', 'func=MMAP_CHECK'],
]);

export function lintOldName(rules: readonly LintedRule[]): LintFinding[] {
  return rules.flatMap((linted) => {
    const word = linted.source.tokens.findIndex(({ text }) => OLD_NAMES.has(text));
    const old = linted.source.tokens[word]?.text ?? '';
    const by = OLD_NAMES.get(old);
    if (by === undefined) return [];
    const message = `${old} is the old name of ${by}`;
    const fix = safeFix(linted, [{ word, by }]);
    return [findingAt(linted, old, { code: 'LINT-OLD-NAME', severity: 'note', message, fix })];
  });
}

export type { LintFinding, LintFix } from './finding.ts';
export { fixPolicy, type FixedPolicy } from './fix.ts';
export { lintPolicy } from './lint.ts';

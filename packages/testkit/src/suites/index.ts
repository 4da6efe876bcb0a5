import { appraisal } from './appraisal.ts';
import { evmValues } from './evm-values.ts';
import { measurementLists } from './measurement-lists.ts';
import { policyMatching } from './policy-matching.ts';
import { policyRules } from './policy-rules.ts';
import { preflight } from './preflight.ts';
import type { Suite } from './suite.ts';

export { keepAnswers, keptAnswers } from './kept.ts';
export { ask, type Agreement, type AskedKernel, type GuestAnswer, type Suite } from './suite.ts';

/** In the order in which they run. */
export const SUITES: readonly Suite[] = [
  policyRules,
  policyMatching,
  measurementLists,
  evmValues,
  appraisal,
  preflight,
];

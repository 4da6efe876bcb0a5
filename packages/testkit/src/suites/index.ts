import { appraisal, appraisalEvents, appraisalRows } from './appraisal.ts';
import { eventlog } from './eventlog/index.ts';
import { evmValues } from './evm-values.ts';
import { kexec } from './kexec/index.ts';
import { keyMeasurements } from './key-measurements/index.ts';
import { labels } from './labels/index.ts';
import { labelsAsked, labelsEvm } from './labels/judge.ts';
import { certifiedKey, labelKey, type LabelKey as SigningLabelKey } from './label-key.ts';
import { measurementLists } from './measurement-lists.ts';
import { matchingRows, policyMatching } from './policy-matching.ts';
import { eventsOf } from './policy-events.ts';
import { policyRules } from './policy-rules.ts';
import { preflight } from './preflight.ts';
import type { Suite } from './suite.ts';
import { tinyProgram } from './tiny-program.ts';
import { verity } from './verity/index.ts';

export {
  appraisal,
  appraisalEvents,
  appraisalRows,
  certifiedKey,
  labelKey,
  labels,
  labelsAsked,
  labelsEvm,
  tinyProgram,
  type SigningLabelKey,
  eventsOf as matchingEvents,
  matchingRows,
  measurementLists,
  policyMatching,
};
export { Comparisons, together } from './comparisons.ts';
export { keepAnswers, keptAnswers } from './kept.ts';
export { runCommand } from './labelling/commands.ts';
export { filledImage } from './labelling/image.ts';
export {
  askedKernel,
  askSuite,
  fileOf,
  profileOf,
  programFiles,
  readAll,
  textOf,
  theOnly,
  type Agreement,
  type AskedKernel,
  type AskOptions,
  type Cases,
  type Files,
  type GuestAnswer,
  type GuestSuite,
  type LiveSuite,
  type SecondSuite,
  type Suite,
} from './suite.ts';

/** In the order in which they run. */
export const SUITES: readonly Suite[] = [
  policyRules,
  policyMatching,
  measurementLists,
  evmValues,
  labels,
  verity,
  keyMeasurements,
  appraisal,
  preflight,
  eventlog,
  kexec,
];

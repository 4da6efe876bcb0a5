export {
  ASSUMPTION_NAMES,
  ASSUMPTIONS,
  assumedEvents,
  DEFAULT_ASSUMPTIONS,
  dependsOnElf,
  roleOf,
  type AssumedEvent,
  type Assumption,
  type FileKind,
  type FileRole,
} from './assumptions.ts';
export { entryCost, INODE_COST, type EntryCost } from './cost.ts';
export { labelClass, labelRefusal, type FoundLabel, type LabelClass, type LabelledFile } from './label.ts';
export {
  Preflight,
  type PreflightFile,
  type PreflightOptions,
  type PreflightRefusal,
  type PreflightVerdict,
} from './preflight.ts';
export { emptyTally, mergeTallies, tally, type Counts, type PreflightTally, type RefusedFile } from './tally.ts';

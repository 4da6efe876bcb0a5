export { bootChanges, bootFactsOf, eventLogFinding, type BootFacts } from './boot-log.ts';
export { poolText } from './change-cause.ts';
export { isLibrary } from './explain.ts';
export { expiredFinding } from './expired.ts';
export { firmwareFinding } from './firmware.ts';
export { severityOf, type Explanation, type FindingDraft, type Severity } from './findings.ts';
export { judgeEntries, type EntryStatus, type JudgeContext, type Judgement } from './judge.ts';
export {
  ladderOf,
  type LadderFacts,
  type ReferenceAuthority,
  type Rung,
  type RungName,
  type RungState,
} from './ladder.ts';
export { explainRefusal } from './refusal-causes.ts';
export {
  SIMULATION_LIMIT,
  Simulator,
  type RecordedList,
  type SimulatedChange,
  type SimulatedHost,
  type SimulatedVerdict,
  type Simulation,
} from './simulate.ts';
export { isStale, verdictOf, type OpenFinding, type Verdict, type VerdictFacts } from './verdict.ts';

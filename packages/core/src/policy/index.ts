export {
  BUILTIN_NAMES,
  DEBIAN_BUILTIN_OPTIONS,
  parseBootPolicy,
  parseBuiltinOptions,
  type BootPolicy,
  type BuiltinOptions,
} from './builtin-options.ts';
export { builtinPolicy, keptRules, type BuiltinPolicy } from './builtin.ts';
export {
  checkPolicy,
  checkRule,
  type CheckedPolicy,
  type CheckedRule,
  type LoadProblem,
} from './check.ts';
export {
  acceptedRules,
  ACTION_CLASSES,
  activate,
  evaluate,
  labelAlgorithms,
  matchesEvent,
  NO_DEMANDS,
  type ActionClass,
  type ActiveOptions,
  type ActivePolicy,
  type AppraisalSlot,
  type Decision,
  type Demands,
  type Evaluation,
  type PlacedRule,
  type PreparedRule,
} from './evaluate.ts';
export { ACCESS, plainSubject, type EventFile, type EventFunction, type PolicyEvent, type Subject } from './event.ts';
export { explain, rulePlace, type ClassExplanation, type OtherRule, type UnmetCondition } from './explain.ts';
export { accessMask, functionMask, maskText } from './access.ts';
export { kernelForm } from './kernel-form.ts';
export {
  formatPolicy,
  parsePolicy,
  printPolicy,
  ruleText,
  type PolicyLine,
  type PolicyToken,
} from './lines.ts';
export { parseOptionList, runningOptions, type RunningFacts } from './option-list.ts';
export {
  debianOptions,
  hasVersion,
  parseKernelConfig,
  parseKernelVersion,
  type KernelOptions,
  type KernelProfile,
  type KernelVersion,
  type LabelModule,
} from './profile.ts';
export { fixPolicy, lintPolicy, type FixedPolicy, type LintFinding, type LintFix } from './lint/index.ts';
export type { Refusal } from './refusal.ts';
export { parsePolicyBytes } from './text.ts';
export { LABEL_FIELDS, type Rule } from './rule.ts';

export {
  checkPolicy,
  checkRule,
  type CheckedPolicy,
  type CheckedRule,
  type LoadProblem,
} from './check.ts';
export { kernelForm } from './kernel-form.ts';
export {
  formatPolicy,
  parsePolicy,
  printPolicy,
  ruleText,
  type PolicyLine,
  type PolicyToken,
} from './lines.ts';
export {
  debianOptions,
  parseKernelConfig,
  parseKernelVersion,
  type KernelOptions,
  type KernelProfile,
  type KernelVersion,
  type LabelModule,
} from './profile.ts';
export { lintPolicy, type LintFinding } from './lint.ts';
export type { Refusal } from './refusal.ts';
export type { Rule } from './rule.ts';

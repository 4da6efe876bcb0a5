export type { CodeText } from './code-text.ts';
export {
  FINDING_CODES,
  POLICY_CODES,
  VERIFICATION_CODES,
  type FindingCode,
  type PolicyCode,
  type VerificationCode,
} from './finding-codes.ts';
export { FORMAT_CODES, type FormatCode } from './format-codes.ts';
export { AssayError, FormatError, SystemError, VerificationError, type ErrorPlace } from './errors.ts';
export { REQUEST_CODES, type RequestCode } from './request-codes.ts';
export { LINT_CODES, RULE_CODES, type LintCode, type RuleCode } from './rule-codes.ts';
export { SYSTEM_CODES, type SystemCode } from './system-codes.ts';

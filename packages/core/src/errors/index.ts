export type { CodeText } from './code-text.ts';
export {
  FINDING_CODES,
  FORMAT_CODES,
  POLICY_CODES,
  VERIFICATION_CODES,
  type FindingCode,
  type FormatCode,
  type PolicyCode,
  type VerificationCode,
} from './codes.ts';
export { AssayError, FormatError, SystemError, VerificationError, type ErrorPlace } from './errors.ts';
export { REQUEST_CODES, type RequestCode } from './request-codes.ts';
export { LINT_CODES, RULE_CODES, type LintCode, type RuleCode } from './rule-codes.ts';
export { SYSTEM_CODES, type SystemCode } from './system-codes.ts';

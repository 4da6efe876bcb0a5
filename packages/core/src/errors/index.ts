export {
  FINDING_CODES,
  FORMAT_CODES,
  POLICY_CODES,
  SYSTEM_CODES,
  VERIFICATION_CODES,
  type CodeText,
  type FindingCode,
  type FormatCode,
  type PolicyCode,
  type SystemCode,
  type VerificationCode,
} from './codes.ts';
export { AssayError, FormatError, SystemError, VerificationError, type ErrorPlace } from './errors.ts';

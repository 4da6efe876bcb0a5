export {
  decideAccess,
  NOTHING_REMEMBERED,
  type AccessDecision,
  type AccessedFile,
  type AppraisalMemory,
  type AppraisalRules,
  type AppraisedAccess,
  type Collected,
} from './access.ts';
export { appraise, kernelLabel, type Appraisal, type AppraisedFile } from './appraise.ts';
export {
  decideEvmChange,
  decideLabelChange,
  type Change,
  type ChangeDecision,
  type ChangingFile,
  type LabelKernel,
  type LabelWriter,
} from './changes.ts';
export { evmStatus, type EvmFile, type EvmResult, type EvmState } from './evm-status.ts';
export { labelAlgorithm } from './label-algorithm.ts';
export { RECORD_TYPES, recordText, untrustedText, type IntegrityRecord, type RecordSubject } from './record.ts';
export { imaSignatureVerdict } from './signature.ts';
export type {
  AppraiseMode,
  AppraisingKernel,
  IntegrityStatus,
  KernelWrite,
  SignatureVerdict,
} from './status.ts';

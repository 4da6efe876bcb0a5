export { ACCEPTED, decide, type Decision, type DecisionStatus } from './decide.ts';
export { diffReferences, type PoolChange, type ReferenceDiff, type RuleChange } from './diff.ts';
export { nextEnd } from './ends.ts';
export {
  emptyReference,
  LIMITS,
  type BufferRule,
  type Denied,
  type Exclude,
  type FileRule,
  type Pool,
  type PoolDigest,
  type PoolKind,
  type ReferenceDocument,
  type SignerKey,
} from './document.ts';
export { exportKeylimePolicy } from './keylime-export.ts';
export { importKeylimePolicy, KEYLIME_PAYLOAD_TYPE, type KeylimeImportOptions } from './keylime.ts';
export type { Loss } from './losses.ts';
export type { Matcher, PatternCompiler } from './patterns.ts';
export { checkedReference, isDigest, parseReference, type ParsedReference } from './reader.ts';
export {
  admitReference,
  REFERENCE_PAYLOAD_TYPE,
  referenceDigest,
  verifyBundledReference,
  verifyEnvelope,
  verifySignedReference,
  type BundleCheck,
  type MessageSignatures,
  type SignedReference,
  type TrustedKey,
  type VerifiedReference,
  type VersionInForce,
} from './verify.ts';
export {
  buildReference,
  captureReference,
  compileReference,
  hostPool,
  pooled,
  type CompiledExclude,
  type ReferenceItem,
  type ReferenceValues,
} from './values.ts';

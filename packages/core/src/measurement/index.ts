export { asciiBankOf, encodeAsciiEntry, parseAsciiList, type AsciiOptions } from './ascii.ts';
export { encodeBinaryEntries, encodeBinaryEntry, parseBinaryList, type ParseOptions } from './binary.ts';
export { byteOrderOf } from './byte-order.ts';
export { Digester } from './digester.ts';
export { Extensions } from './extensions.ts';
export {
  bootAggregate,
  emptyPcr,
  extendPcr,
  extendValue,
  isViolation,
  templateDigest,
  type ExtendRule,
} from './digests.ts';
export type {
  ByteOrder,
  EntryContent,
  EntryFields,
  FileDigest,
  MeasurementEntry,
  TemplateContent,
} from './entry.ts';
export { digestText, ENGINE_RECORDS, entryKind, filenameHint, type EntryKind } from './kinds.ts';
export { entryMemory, kmallocSize } from './kernel-memory.ts';
export { recordLayout, recordLength } from './records.ts';
export {
  firstForgedDigest,
  hasRightDigest,
  matchingPrefix,
  replay,
  type ExpectedPcr,
  type ReplayedPcr,
  type ReplayResult,
} from './replay.ts';
export { firstRecord, rotationOf, rotationPairs, type ListStart, type Rotation } from './rotation.ts';
export type { ListForm } from './form.ts';
export { entryStream, type EntryStream } from './stream.ts';
export type { BootAggregate, ForgedEntry, ListReport } from './totals.ts';
export { decodeVerifierState, encodeVerifierState } from './verifier-state.ts';
export { ListVerifier, type VerifierState, type VerifyOptions } from './verifier.ts';
export { encodeTemplateData } from './template-data.ts';
export { beginsWithDigestAndName, fieldsOf, type TemplateName } from './templates.ts';

export { encodeAsciiEntry } from './ascii.ts';
export { encodeBinaryEntry, encodeTemplateData, parseBinaryList, type ParseOptions } from './binary.ts';
export { bootAggregate, emptyPcr, extendPcr, extendValue, isViolation, templateDigest } from './digests.ts';
export type { EntryContent, EntryFields, FileDigest, MeasurementEntry } from './entry.ts';
export { firstForgedDigest, matchingPrefix, replay, type ReplayedPcr } from './replay.ts';
export { fieldsOf, type TemplateName } from './templates.ts';
export { digestText, ENGINE_RECORDS, entryKind, filenameHint, type EntryKind } from './kinds.ts';

import { printable, toHex, utf8 } from '../bytes/index.ts';
import type { EntryFields, FileDigest, MeasurementEntry } from './entry.ts';

/** Event names of the records that Assay's engine keeps about itself, as `ima-buf` entries. */
export const ENGINE_RECORDS = {
  start: 'assay-engine-start',
  stop: 'assay-engine-stop',
  gap: 'assay-engine-gap',
  /** It appraises in another mode from now on. */
  mode: 'assay-engine-mode',
  /** What is before it in the list went to the archive; see `Rotation`. */
  rotation: 'assay-engine-rotation',
} as const;

export type EntryKind =
  | 'violation'
  | 'boot-aggregate'
  | 'engine-start'
  | 'engine-stop'
  | 'engine-gap'
  | 'engine-mode'
  | 'engine-rotation'
  | 'buffer'
  | 'file';

const RECORD_KINDS: ReadonlyMap<string, EntryKind> = new Map([
  [ENGINE_RECORDS.start, 'engine-start'],
  [ENGINE_RECORDS.stop, 'engine-stop'],
  [ENGINE_RECORDS.gap, 'engine-gap'],
  [ENGINE_RECORDS.mode, 'engine-mode'],
  [ENGINE_RECORDS.rotation, 'engine-rotation'],
]);

/**
 * What an entry is about. Names of files are absolute paths, so a file cannot pass for `boot_aggregate`; a buffer has
 * something in its `buf` field, so a file cannot pass for a record of the engine.
 */
export function entryKind(entry: Pick<MeasurementEntry, 'fields' | 'violation'>): EntryKind {
  if (entry.violation) return 'violation';
  const name = filenameHint(entry.fields);
  const { buffer } = entry.fields;
  if (buffer !== undefined && buffer.length > 0) return RECORD_KINDS.get(name) ?? 'buffer';
  return BOOT_AGGREGATES.has(name) ? 'boot-aggregate' : 'file';
}

/** Of the first entry of each boot; the second where IMA begins late (CONFIG_IMA_INIT_LATE_SYNC, since 7.2). */
const BOOT_AGGREGATES: ReadonlySet<string> = new Set(['boot_aggregate', 'boot_aggregate_late']);

/** The path or event name, escaped for people: a hint, since only the digest is proved. */
export function filenameHint(fields: EntryFields): string {
  return printable(fields.name ?? utf8(''));
}

/**
 * `sha256:<hex>`; `verity-sha256:<hex>` for the digest of an fs-verity descriptor, which is no digest of the file's bytes;
 * empty for an entry without a digest field.
 */
export function digestText(digest: FileDigest | undefined): string {
  if (digest === undefined) return '';
  const algorithm = digest.type === 'verity' ? `verity-${digest.algorithm}` : digest.algorithm;
  return `${algorithm}:${toHex(digest.value)}`;
}

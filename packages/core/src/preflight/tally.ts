import type { Assumption } from './assumptions.ts';
import { INODE_COST } from './cost.ts';
import { labelClass, type LabelClass } from './label.ts';
import type { PreflightFile, PreflightRefusal, PreflightVerdict } from './preflight.ts';

/** A file of which some access is refused. */
export interface RefusedFile {
  /** One character per byte. */
  readonly path: string;
  readonly label: LabelClass;
  readonly refusals: readonly PreflightRefusal[];
}

export interface Counts {
  files: number;
  /** Files. */
  measured: number;
  appraised: number;
  refused: number;
  /** Of files whose content is read and hashed. */
  bytes: number;
}

/** What was found in a tree, or in a part of one. */
export interface PreflightTally {
  readonly total: Counts;
  audited: number;
  hashed: number;
  uncertain: number;
  /** Of the measurement list. */
  entries: number;
  listBytes: number;
  kernelBytes: number;
  readonly byAssumption: Map<Assumption, Counts>;
  /** By the directories at the depth that is asked for. */
  readonly byDirectory: Map<string, Counts>;
  /** Labels of files that are appraised. */
  readonly labels: Map<LabelClass, number>;
  readonly causes: Map<string, number>;
  readonly refused: RefusedFile[];
}

export function emptyTally(): PreflightTally {
  return {
    total: emptyCounts(),
    audited: 0,
    hashed: 0,
    uncertain: 0,
    entries: 0,
    listBytes: 0,
    kernelBytes: 0,
    byAssumption: new Map(),
    byDirectory: new Map(),
    labels: new Map(),
    causes: new Map(),
    refused: [],
  };
}

function emptyCounts(): Counts {
  return { files: 0, measured: 0, appraised: 0, refused: 0, bytes: 0 };
}

/** Adds a file. @param directory under which it is counted */
export function tally(into: PreflightTally, file: PreflightFile, verdict: PreflightVerdict, directory: string): void {
  const isMeasured = verdict.entries.length > 0;
  const isRefused = verdict.refusals.length > 0;
  const bytes = verdict.isRead ? file.size : 0;
  for (const counts of [into.total, countsOf(into.byDirectory, directory)])
    count(counts, isMeasured, verdict.appraised, isRefused, bytes);
  if (verdict.audited) into.audited += 1;
  if (verdict.hashed) into.hashed += 1;
  if (verdict.isUncertain) into.uncertain += 1;
  into.entries += verdict.entries.length;
  into.listBytes += verdict.listBytes;
  into.kernelBytes += verdict.kernelBytes + (isMeasured || verdict.appraised || verdict.audited ? INODE_COST : 0);
  tallyAssumptions(into, file, verdict);
  if (!verdict.appraised) return;
  const label = labelClass(file.label);
  into.labels.set(label, (into.labels.get(label) ?? 0) + 1);
  const [first] = verdict.refusals;
  if (first === undefined) return;
  into.causes.set(first.cause, (into.causes.get(first.cause) ?? 0) + 1);
  into.refused.push({ path: file.path, label, refusals: verdict.refusals });
}

function tallyAssumptions(into: PreflightTally, { size }: PreflightFile, verdict: PreflightVerdict): void {
  const { measuredBy, appraisedBy, refusals, isRead } = verdict;
  for (const assumption of new Set([...measuredBy, ...appraisedBy])) {
    const isRefused = refusals.some((refusal) => refusal.assumption === assumption);
    const counts = countsOf(into.byAssumption, assumption);
    count(counts, measuredBy.includes(assumption), appraisedBy.includes(assumption), isRefused, isRead ? size : 0);
  }
}

function countsOf<Key>(map: Map<Key, Counts>, key: Key): Counts {
  const known = map.get(key);
  if (known !== undefined) return known;
  const counts = emptyCounts();
  map.set(key, counts);
  return counts;
}

function count(counts: Counts, measured: boolean, appraised: boolean, refused: boolean, bytes: number): void {
  counts.files += 1;
  if (measured) counts.measured += 1;
  if (appraised) counts.appraised += 1;
  if (refused) counts.refused += 1;
  counts.bytes += bytes;
}

/** Adds what another thread found. */
export function mergeTallies(into: PreflightTally, other: PreflightTally): void {
  addCounts(into.total, other.total);
  into.audited += other.audited;
  into.hashed += other.hashed;
  into.uncertain += other.uncertain;
  into.entries += other.entries;
  into.listBytes += other.listBytes;
  into.kernelBytes += other.kernelBytes;
  for (const [key, counts] of other.byAssumption) addCounts(countsOf(into.byAssumption, key), counts);
  for (const [key, counts] of other.byDirectory) addCounts(countsOf(into.byDirectory, key), counts);
  for (const [key, number] of other.labels) into.labels.set(key, (into.labels.get(key) ?? 0) + number);
  for (const [key, number] of other.causes) into.causes.set(key, (into.causes.get(key) ?? 0) + number);
  for (const file of other.refused) into.refused.push(file);
}

function addCounts(into: Counts, other: Counts): void {
  into.files += other.files;
  into.measured += other.measured;
  into.appraised += other.appraised;
  into.refused += other.refused;
  into.bytes += other.bytes;
}

import { descriptorPath, type Stamp } from '@assay/linux/files';
import type { AskedEvent } from '@assay/linux/fanotify';
import type { Decider } from '../decision/contract.ts';
import type { BegunVouch } from '../bpf/vouches.ts';
import { MAY_ONLY_READ } from '../decision/hooks.ts';
import type { Case, Verdict } from './judge.ts';
import { verdictKey, type KnownFile } from './verdict-cache.ts';
import type { WaitingWriters } from './waiting-writers.ts';

/** Larger files are hashed by other threads: in the time that this takes others are answered. */
export const INLINE_BYTES = 256 * 1024;

/** How long a file that was written and closed may be hashed, for which nobody waits. */
const CLOSED_MS = 60_000;

/** An opening that waits for its answer, or the closing of a written file, which waits for none. */
export interface Opening extends AskedEvent {
  /** Of open(2). */
  readonly flags: number;
  readonly inodeKey: number;
  readonly stamp: Stamp;
  /** Bytes. */
  readonly size: number;
  readonly verdictKey: string;
  /** `Decider.nameKey` of the name that the file had when the event was taken up. */
  readonly nameKey: string;
  /** When it is answered at the latest (`clock`). */
  readonly end: number;
  /** It was asked about, and writers that waited too long for the verdict went before it. */
  readonly gaveWay?: boolean;
}

/** One question about one inode. At most one is asked at a time: those that come meanwhile mostly have the same answer. */
export interface Job {
  /** Whose descriptor the file is read by. */
  readonly lead: Opening;
  /** Waited before the question was asked, so that its answer is theirs, too. */
  readonly batch: readonly Opening[];
  /** Came after it was asked: the content may have changed since. */
  readonly later: Opening[];
  /** The last message that has to be acknowledged before the answer. */
  sequence: number | undefined;
  /** Given when all is recorded. */
  allowed: boolean;
  /** The state of the file that the verdict is of. */
  stamp: Stamp | undefined;
  /** Since the file was looked at no writer could come without waiting. */
  writers: WaitingWriters | undefined;
  /** Descriptor that keeps the kernel from executing the file. */
  occupied: number | undefined;
  /** There was doubt since it was asked (`WatchSignals.doubt`). */
  isDoubtful: boolean;
  /** The answers were given without the verdict, as it came too late. */
  isLate: boolean;
  /** For the gate in the kernel, where there is one and nobody writes. */
  begun: BegunVouch | undefined;
  /** What to do when all is recorded. */
  settled: (() => void) | undefined;
}

/** O_ACCMODE, O_TRUNC, O_APPEND, O_DIRECT, O_PATH of all architectures: what hooks depend on. */
const ACCESS_FLAGS = 0o3 | 0o1000 | 0o2000 | 0o40000 | 0o200000 | 0o10000000 | MAY_ONLY_READ;

/** What of an opening a verdict depends on. */
export function keyOf(kind: AskedEvent['kind'], flags: number, name: string, subject: string): string {
  return verdictKey(kind === 'open' ? `open ${flags & ACCESS_FLAGS}${name}` : kind, subject);
}

/** The part of a question that depends on the name of the file now. */
export function nameKeyOf(
  { kind, fd }: AskedEvent,
  { wantsNames, nameKey }: Pick<Decider, 'wantsNames' | 'nameKey'>,
): string {
  return wantsNames && kind === 'open' ? nameKey(descriptorPath(fd) ?? new Uint8Array()) : '';
}

/** Whether the verdict is of another name than that by which it would be found again: of a directory that was renamed meanwhile. */
export function isRenamed(
  { kind, nameKey }: Opening,
  { path }: Pick<Verdict, 'path'>,
  decider: Pick<Decider, 'nameKey'>,
): boolean {
  return kind === 'open' && decider.nameKey(path) !== nameKey;
}

/** The question of a job, beside what is known of its file. */
export function caseOf(
  { lead, batch }: Pick<Job, 'lead' | 'batch'>,
  known: KnownFile | undefined,
  { isMapped, answerLimit }: { readonly isMapped: boolean; readonly answerLimit: number },
): Case {
  const { kind, fd, pid, flags, stamp, end, gaveWay = false } = lead;
  const { memory, digests, stamp: of = stamp } = known ?? {};
  const openings = batch.length;
  // Before the answer is due, so that a file that takes too long is told from an engine that is late.
  const due = kind === 'closed' ? end + CLOSED_MS : end - answerLimit / 10;
  return { kind, fd, pid, flags, memory, openings, isMapped, digests, of, end: due, gaveWay };
}

/** Takes the first of those that wait, and all others to which its answer belongs. */
export function jobOf(waiting: readonly [Opening, ...Opening[]]): Job {
  const [lead] = waiting;
  const isSame = (opening: Opening): boolean =>
    opening.kind !== 'closed' && opening.verdictKey === lead.verdictKey && isEqual(opening.stamp, lead.stamp);
  const batch = [lead, ...waiting.slice(1).filter(isSame)];
  const later = waiting.filter((opening) => !batch.includes(opening));
  const open = { sequence: undefined, allowed: true, stamp: undefined, writers: undefined, occupied: undefined };
  return { lead, batch, later, ...open, isDoubtful: false, isLate: false, begun: undefined, settled: undefined };
}

function isEqual(a: Stamp, b: Stamp): boolean {
  return a.every((word, index) => word === b[index]);
}

import { SystemError } from '@assay/core/errors';
import { z } from 'zod';
import { shown } from '../output/terminal.ts';

const Count = z.number().nonnegative();
const Activity = z.object({
  at: z.iso.datetime(),
  events: Count,
  eventsPerSecond: Count,
  hits: Count,
  misses: Count,
  denials: Count,
  waiting: Count,
  longestWait: Count,
  cached: Count,
  turbo: z.object({ files: Count, breaks: Count }).optional(),
});

const Bpf = z.object({
  state: z.enum(['off', 'log', 'enforce']),
  cgroups: z.array(z.string()).readonly(),
  hooks: z.array(z.string()).readonly(),
  passed: Count,
  refused: Count,
  unasked: Count,
  dropped: Count,
});

const RecentAudit = z.object({
  time: z.iso.datetime(),
  type: z.string(),
  denied: z.boolean(),
  pid: z.int(),
  path: z.string(),
  func: z.string().optional(),
  cause: z.string().optional(),
  rule: z.string().optional(),
});
export type ShownAudit = z.infer<typeof RecentAudit>;

/** What a running engine answers (`ControlAnswer`), as far as it can be shown. */
const Status = z.object({
  directory: z.string(),
  pid: z.int(),
  since: z.iso.datetime(),
  mode: z.string(),
  appraise: z.string().optional(),
  paused: z.boolean(),
  rules: z.array(z.string()),
  mounts: z.array(z.string()),
  entries: z.int(),
  violations: z.int(),
  archive: z
    .object({
      directory: z.string(),
      size: Count,
      entries: z.int(),
      segments: z.int(),
      problem: z.string().optional(),
    })
    .optional(),
  lost: z.int(),
  watching: z.boolean(),
  problem: z.string().optional(),
  audits: z.array(RecentAudit),
  activity: Activity.optional(),
  bpf: Bpf.optional(),
  confirmBy: z.iso.datetime().optional(),
  pausedUntil: z.iso.datetime().optional(),
  auditsDropped: z.int(),
});
const Answer = z.discriminatedUnion('done', [
  z.object({ done: z.literal(true), status: Status }),
  z.object({ done: z.literal(false), reason: z.string() }),
]);
export type ShownStatus = z.infer<typeof Status>;

/** @throws SystemError ENGINE-UNREACHABLE where something else answers, or the engine does not do it */
export function statusIn(answer: unknown): ShownStatus {
  const { data } = Answer.safeParse(answer);
  if (data === undefined) throw new SystemError('ENGINE-UNREACHABLE', 'what answers is no engine of this version');
  if (!data.done) throw new SystemError('ENGINE-UNREACHABLE', `the engine does not do it: ${data.reason}`);
  return data.status;
}

export function statusDocument(status: ShownStatus) {
  return { schema: 'assay.engine-status.v1', ...status };
}

/** Name and value of each line. */
export function statusLines(status: ShownStatus): [name: string, value: string][] {
  const { appraise = 'nothing is refused', confirmBy, pausedUntil } = status;
  const until = pausedUntil === undefined ? '' : ` until ${pausedUntil}`;
  const confirm = confirmBy === undefined ? '' : `, back to log at ${confirmBy} unless confirmed`;
  const state = status.watching ? 'watching' : `not watching: ${status.problem ?? 'it is ending'}`;
  return [
    ['engine', `process ${status.pid}, ${state}, since ${status.since}`],
    ['mode', status.paused ? `paused${until}: nothing is measured or refused` : `${appraise}${confirm}`],
    ['mounts', status.mounts.join(', ')],
    ['rules', String(status.rules.length)],
    ['list', `${status.entries} entries, ${status.violations} violations, ${status.lost} lost; in ${status.directory}`],
    ...archiveLines(status),
    ...(status.auditsDropped > 0 ? [['audit', `${status.auditsDropped} records dropped`] as [string, string]] : []),
  ];
}

function archiveLines({ archive }: ShownStatus): [name: string, value: string][] {
  if (archive === undefined) return [];
  const { directory, size, entries, segments, problem } = archive;
  const room = `the list may take ${Math.round(size / 1024)} KiB before`;
  const held = `${entries} of the entries in ${segments} segments, in ${directory}; ${room}`;
  return [['archive', problem === undefined ? held : `${held}; ${problem}`]];
}

/** Refused files that a status names; `-o json` has all records that the engine remembers. */
const NAMED = 5;

/** What failed last, the newest first. */
export function auditLines({ audits }: Pick<ShownStatus, 'audits'>): [name: string, value: string][] {
  const failed = audits.filter(({ type }) => type === 'INTEGRITY_DATA');
  return failed
    .slice(-NAMED)
    .toReversed()
    .map((audit) => [audit.denied ? 'refused' : 'failed', auditText(audit)]);
}

export function auditText({ time, path, cause, func, pid }: ShownAudit): string {
  return `${path}: ${cause ?? 'no cause'}, ${func ?? 'no hook'}, process ${pid}, ${time}`;
}

/** What there is to do now, and how it is done. */
export function activityLines({ activity }: ShownStatus): [name: string, value: string][] {
  if (activity === undefined) return [];
  const { events, eventsPerSecond, hits, misses, denials, waiting, longestWait, cached, turbo } = activity;
  const share = hits + misses === 0 ? '' : `, ${Math.floor((100 * hits) / (hits + misses))} % from the cache`;
  const longest = waiting === 0 ? '' : `, the longest for ${longestWait} ms`;
  return [
    [
      'events',
      `${events}, ${eventsPerSecond} a second; ${hits + misses} openings asked about${share}; ${denials} refused`,
    ],
    ['waiting', `${waiting} openings${longest}`],
    ['cache', `${cached} files`],
    ...(turbo === undefined ? [] : [['turbo', turboText(turbo)] as [string, string]]),
  ];
}

/** What the programs in the kernel saw. */
export function bpfLines({ bpf }: Pick<ShownStatus, 'bpf'>): [name: string, value: string][] {
  if (bpf === undefined) return [];
  const { state, passed, refused, unasked, dropped, cgroups } = bpf;
  const scope = cgroups.length === 0 ? '' : `; all files for ${cgroups.map(shown).join(', ')}`;
  const lost = dropped === 0 ? '' : `, ${dropped} of these without a record`;
  const counts = `${passed} uses with a verdict; without, ${refused} refused and ${unasked} passed${lost}`;
  return [['bpf', `${BPF_STATES[state]}${scope}: ${counts}`]];
}

const BPF_STATES = {
  off: 'paused',
  log: 'tells of what has no verdict',
  enforce: 'refuses what has no verdict',
} as const;

function turboText({ files, breaks }: { readonly files: number; readonly breaks: number }): string {
  return `${files} files go without an event; writers have waited ${breaks} times`;
}

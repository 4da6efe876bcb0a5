import { SystemError } from '@assay/core/errors';
import { z } from 'zod';

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
  lost: z.int(),
  watching: z.boolean(),
  problem: z.string().optional(),
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
    ...(status.auditsDropped > 0 ? [['audit', `${status.auditsDropped} records dropped`] as [string, string]] : []),
  ];
}

import { nodeHasher } from '@assay/core/node';
import type { ReferenceValues } from '@assay/core/reference';
import { judgeEntries } from '@assay/core/verdict';
import type { Context } from '../context.ts';
import { closeAll, openAll } from '../hosts/findings.ts';
import { keptOf, type Kept } from '../hosts/kept.ts';
import type { Change } from '../news/news.ts';
import { RequestProblem } from '../problem.ts';
import { hostById } from '../store/hosts.ts';
import { listOf, type ListedRow } from '../store/lists.ts';
import { roundsOf } from '../store/rounds.ts';
import type { Database, HostRow } from '../store/schema.ts';
import { isAboutBootLog } from './boot-log.ts';
import { findingChanges } from './changes.ts';
import { entriesOf } from './measurements.ts';

/** What a host has measured in its present boot. */
export interface CurrentList {
  readonly host: HostRow;
  readonly boot: number;
  readonly kept: Kept;
  readonly rows: readonly ListedRow[];
}

/** @throws RequestProblem EVIDENCE-MISSING */
export async function currentList(db: Database, hostId: string): Promise<CurrentList> {
  const host = await hostById(db, hostId);
  const [round] = await roundsOf(db, [hostId]);
  const kept = round === undefined ? null : keptOf(round);
  if (host === undefined || host.boot === null || kept === null) {
    throw new RequestProblem('EVIDENCE-MISSING', `No evidence of ${host?.name ?? hostId} has verified yet.`);
  }
  return { host, boot: host.boot, kept, rows: await listOf(db, host.boot, 1, kept.state.entries) };
}

/** Judges a whole boot by other reference values: findings open, and those close that are none any more. */
export async function judgeAgain(
  db: Database,
  context: Pick<Context, 'now'>,
  list: CurrentList,
  reference: ReferenceValues,
): Promise<Change[]> {
  const { host, boot, kept, rows } = list;
  const judging = { host: host.name, reference, bootPcrs: kept.pcrs, hasher: nodeHasher, at: context.now() };
  const judgements = judgeEntries(entriesOf(rows), judging);
  const receivedAt = new Map(rows.map((row) => [row.number, row.receivedAt]));
  const sightings = judgements.flatMap(({ number, finding }) =>
    finding === undefined ? [] : [{ draft: finding, seenAt: receivedAt.get(number) ?? '' }],
  );
  const opened = await openAll(db, { host: host.id, boot }, sightings);
  const current = new Set(opened.map((row) => row.seq));
  const closed = await closeAll(
    db,
    host.id,
    judging.at.toISOString(),
    (finding) => finding.boot === boot && !isAboutBootLog(finding) && !current.has(finding.seq),
  );
  const measured = { type: 'measurements', host: host.id, boot, from: 1, to: kept.state.entries } as const;
  return [measured, ...findingChanges([...closed, ...opened])];
}

import { sql } from 'kysely';
import type { Verdict } from '@assay/wire';
import type { VerdictChangeRow } from './history-rows.ts';
import type { Database } from './schema.ts';

export async function noteVerdict(db: Database, row: Omit<VerdictChangeRow, 'seq'>): Promise<void> {
  await db.insertInto('verdict_changes').values(row).execute();
}

/** The newest changes of a host, the newest first. */
export async function verdictChangesOf(db: Database, host: string, most: number): Promise<VerdictChangeRow[]> {
  const query = db.selectFrom('verdict_changes').selectAll().where('host', '=', host);
  return query.orderBy('seq', 'desc').limit(most).execute();
}

/** How many hosts went from one verdict to another in ten minutes. */
export interface VerdictMoves {
  /** RFC 3339 up to the tens of minutes: `2026-11-22T13:4`. */
  readonly tenMinutes: string;
  readonly before: Verdict | null;
  readonly verdict: Verdict;
  readonly hosts: number;
}

export async function verdictMovesSince(db: Database, since: string): Promise<VerdictMoves[]> {
  const tenMinutes = sql<string>`substr(at, 1, 15)`;
  return db
    .selectFrom('verdict_changes')
    .select(({ fn }) => [tenMinutes.as('tenMinutes'), 'before', 'verdict', fn.countAll<number>().as('hosts')])
    .where('at', '>=', since)
    .groupBy([tenMinutes, 'before', 'verdict'])
    .execute();
}

import type { BootRow, Database } from './schema.ts';
import type { BootLogRow } from './sent-rows.ts';

/** Boots of a host whose log is kept whole; of those before, what was found in it is. */
const LOGS_KEPT = 10;

export async function bootLogOf(db: Database, boot: number): Promise<BootLogRow | undefined> {
  return db.selectFrom('boot_logs').selectAll().where('boot', '=', boot).executeTakeFirst();
}

/** In place of what was there of this boot. */
export async function saveBootLog(db: Database, row: BootLogRow): Promise<void> {
  const { host } = row;
  await db
    .insertInto('boot_logs')
    .values(row)
    .onConflict((conflict) => conflict.column('boot').doUpdateSet(row))
    .execute();
  const newest = db.selectFrom('boot_logs').select('boot').where('host', '=', host);
  const kept = newest.orderBy('boot', 'desc').limit(LOGS_KEPT);
  await db
    .updateTable('boot_logs')
    .set({ log: null })
    .where('host', '=', host)
    .where('log', 'is not', null)
    .where('boot', 'not in', kept)
    .execute();
}

/** Facts of the newest boot before this one whose log was proved; the same boot may be there as of another key. */
export async function factsBefore(
  db: Database,
  { host, reset_count: resets, restart_count: restarts }: Omit<BootRow, 'id'>,
): Promise<string | null> {
  const row = await db
    .selectFrom('boot_logs')
    .innerJoin('boots', 'boots.id', 'boot_logs.boot')
    .select('boot_logs.facts')
    .where('boot_logs.host', '=', host)
    .where('boot_logs.state', '=', 'proved')
    .where(({ eb, or }) => or([eb('boots.reset_count', '!=', resets), eb('boots.restart_count', '!=', restarts)]))
    .orderBy('boot_logs.boot', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.facts ?? null;
}

import { decodeIds } from './ids.ts';
import type { BootRow, Database } from './schema.ts';

/** A boot whose list was recorded. */
export interface RecordedBoot extends Pick<BootRow, 'id' | 'host' | 'since' | 'until'> {
  readonly name: string;
  readonly isPresent: boolean;
}

/** The boots of a host that have entries, the newest first. */
export async function recordedBoots(
  db: Database,
  host: string,
  which: 'present' | 'all',
  most: number,
): Promise<RecordedBoot[]> {
  let query = db
    .selectFrom('boots')
    .innerJoin('hosts', 'hosts.id', 'boots.host')
    .select(['boots.id', 'boots.host', 'boots.since', 'boots.until', 'hosts.name', 'hosts.boot as present'])
    .where('boots.host', '=', host)
    .where('boots.entries', '>', 0)
    .orderBy('boots.id', 'desc')
    .limit(most);
  if (which === 'present') query = query.whereRef('boots.id', '=', 'hosts.boot');
  return (await query.execute()).map(({ present, ...boot }) => ({ ...boot, isPresent: present === boot.id }));
}

/** The entries of a boot's list, in its order, as numbers of `entries`. */
export async function entryIdsOf(db: Database, boot: number): Promise<number[]> {
  const rows = await db.selectFrom('boot_entries').select('ids').where('boot', '=', boot).orderBy('first').execute();
  return rows.flatMap(({ ids }) => decodeIds(ids));
}

import type { Updateable } from 'kysely';
import type { BootRow, Database } from './schema.ts';

export async function bootById(db: Database, id: number): Promise<BootRow | undefined> {
  return db.selectFrom('boots').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function bootsByIds(db: Database, ids: readonly number[]): Promise<BootRow[]> {
  return ids.length === 0 ? [] : db.selectFrom('boots').selectAll().where('id', 'in', ids).execute();
}

/** @returns the id of the new boot */
export async function addBoot(db: Database, row: Omit<BootRow, 'id'>): Promise<number> {
  const { id } = await db.insertInto('boots').values(row).returning('id').executeTakeFirstOrThrow();
  return id;
}

export async function updateBoot(db: Database, id: number, change: Updateable<BootRow>): Promise<void> {
  await db.updateTable('boots').set(change).where('id', '=', id).execute();
}

/** The boot of the same host before it. */
export async function bootBefore(
  db: Database,
  { id, host }: Pick<BootRow, 'id' | 'host'>,
): Promise<BootRow | undefined> {
  const query = db.selectFrom('boots').selectAll().where('host', '=', host).where('id', '<', id);
  return query.orderBy('id', 'desc').limit(1).executeTakeFirst();
}

/** A boot, with whose it is and until when it was attested. */
export interface OwnedBoot extends BootRow {
  readonly name: string;
  readonly lastEvidence: string;
}

const BATCH = 1000;
/** One shape of statement for nearly all digests, which stays prepared. */
const OWNERS_BATCH = 10_000;

/** Newest first. */
export async function ownedBoots(db: Database, ids: readonly number[]): Promise<OwnedBoot[]> {
  const found: OwnedBoot[] = [];
  for (let start = 0; start < ids.length; start += BATCH) {
    const rows = await db
      .selectFrom('boots')
      .innerJoin('hosts', 'hosts.id', 'boots.host')
      .innerJoin('rounds', 'rounds.host', 'boots.host')
      .selectAll('boots')
      .select(['hosts.name', 'rounds.evidence_at'])
      .where('boots.id', 'in', ids.slice(start, start + BATCH))
      .execute();
    for (const row of rows) found.push({ ...row, lastEvidence: row.until ?? row.evidence_at ?? row.since });
  }
  return found.toSorted((a, b) => b.id - a.id);
}

/** How many hosts these boots are of. */
export async function countOwners(db: Database, ids: readonly number[]): Promise<number> {
  const owners = new Set<string>();
  for (let start = 0; start < ids.length; start += OWNERS_BATCH) {
    const some = ids.slice(start, start + OWNERS_BATCH);
    const rows = await db.selectFrom('boots').select('host').distinct().where('id', 'in', some).execute();
    for (const { host } of rows) owners.add(host);
  }
  return owners.size;
}

/** How much was ever looked at: entries of all lists, the hosts that sent them, and since when. */
export async function looked(db: Database): Promise<{ entries: number; hosts: number; since: string | null }> {
  const row = await db
    .selectFrom('boots')
    .select(({ fn }) => [
      fn.sum<number | string | null>('entries').as('entries'),
      fn.count<number>('host').distinct().as('hosts'),
      fn.min<string | null>('since').as('since'),
    ])
    .executeTakeFirstOrThrow();
  return { ...row, entries: Number(row.entries ?? 0) };
}

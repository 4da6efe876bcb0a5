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

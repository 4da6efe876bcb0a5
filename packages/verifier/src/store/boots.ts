import type { Updateable } from 'kysely';
import type { BootRow, Database, KeptStateRow } from './schema.ts';

export async function bootById(db: Database, id: number): Promise<BootRow | undefined> {
  return db.selectFrom('boots').selectAll().where('id', '=', id).executeTakeFirst();
}

/** @returns the id of the new boot */
export async function addBoot(db: Database, row: Omit<BootRow, 'id'>): Promise<number> {
  const { id } = await db.insertInto('boots').values(row).returning('id').executeTakeFirstOrThrow();
  return id;
}

export async function updateBoot(db: Database, id: number, change: Updateable<BootRow>): Promise<void> {
  await db.updateTable('boots').set(change).where('id', '=', id).execute();
}

export async function keptState(db: Database, host: string): Promise<KeptStateRow | undefined> {
  return db.selectFrom('kept_states').selectAll().where('host', '=', host).executeTakeFirst();
}

export async function saveKeptState(db: Database, row: KeptStateRow): Promise<void> {
  await db
    .insertInto('kept_states')
    .values(row)
    .onConflict((conflict) => conflict.column('host').doUpdateSet(row))
    .execute();
}

export async function dropKeptState(db: Database, host: string): Promise<void> {
  await db.deleteFrom('kept_states').where('host', '=', host).execute();
}

import type { Insertable } from 'kysely';
import type { Database, Schema } from './schema.ts';

export async function addKeyRenewal(db: Database, row: Insertable<Schema['key_renewals']>): Promise<void> {
  await db.insertInto('key_renewals').values(row).execute();
}

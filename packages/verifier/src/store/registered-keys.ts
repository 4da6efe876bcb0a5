import type { Database, RegisteredKeyRow } from './schema.ts';

/** A key that is registered already is registered anew, with what is said now. */
export async function registerKeys(db: Database, rows: readonly RegisteredKeyRow[]): Promise<void> {
  await db
    .insertInto('registered_keys')
    .values(rows)
    .onConflict((conflict) =>
      conflict.column('digest').doUpdateSet(({ ref }) => ({
        name: ref('excluded.name'),
        note: ref('excluded.note'),
        registered_at: ref('excluded.registered_at'),
        registered_by: ref('excluded.registered_by'),
      })),
    )
    .execute();
}

/** @param digests of one key, in the forms in which it may be registered */
export async function registeredKey(db: Database, digests: readonly string[]): Promise<RegisteredKeyRow | undefined> {
  return db
    .selectFrom('registered_keys')
    .selectAll()
    .where('digest', 'in', digests)
    .orderBy('digest')
    .executeTakeFirst();
}

export async function registeredKeysAfter(
  db: Database,
  digest: string | undefined,
  limit: number,
): Promise<RegisteredKeyRow[]> {
  let query = db.selectFrom('registered_keys').selectAll().orderBy('digest').limit(limit);
  if (digest !== undefined) query = query.where('digest', '>', digest);
  return query.execute();
}

/** @returns undefined where no such key is registered */
export async function removeRegisteredKey(db: Database, digest: string): Promise<RegisteredKeyRow | undefined> {
  return db.deleteFrom('registered_keys').where('digest', '=', digest).returningAll().executeTakeFirst();
}

import type { Database, SessionRow } from './schema.ts';

/** Also removes those that have ended. */
export async function insertSession(db: Database, row: SessionRow): Promise<void> {
  await db.deleteFrom('sessions').where('expires_at', '<=', row.started_at).execute();
  await db.insertInto('sessions').values(row).execute();
}

export async function sessionByDigest(db: Database, digest: Uint8Array, now: string): Promise<SessionRow | undefined> {
  const rows = db.selectFrom('sessions').selectAll().where('digest', '=', digest);
  return rows.where('expires_at', '>', now).executeTakeFirst();
}

/** Those that have not ended, the oldest first. */
export async function sessionsAt(db: Database, now: string): Promise<SessionRow[]> {
  const rows = db.selectFrom('sessions').selectAll().where('expires_at', '>', now);
  return rows.orderBy('started_at').orderBy('id').execute();
}

/** @returns undefined when there is no such session */
export async function deleteSession(db: Database, id: string): Promise<SessionRow | undefined> {
  return db.deleteFrom('sessions').where('id', '=', id).returningAll().executeTakeFirst();
}

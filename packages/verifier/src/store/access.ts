import { lockWork } from './locks.ts';
import type { AuditRow, Database, TokenRow } from './schema.ts';

export async function insertToken(db: Database, row: TokenRow): Promise<void> {
  await db.insertInto('tokens').values(row).execute();
}

export async function tokenByDigest(db: Database, digest: Uint8Array): Promise<TokenRow | undefined> {
  return db.selectFrom('tokens').selectAll().where('digest', '=', digest).executeTakeFirst();
}

/** The oldest first. */
export async function allTokens(db: Database): Promise<TokenRow[]> {
  return db.selectFrom('tokens').selectAll().orderBy('created_at').orderBy('id').execute();
}

/** @returns undefined when there is no such token, or it was revoked before */
export async function revokeToken(db: Database, id: string, at: string): Promise<TokenRow | undefined> {
  return db
    .updateTable('tokens')
    .set({ revoked_at: at })
    .where('id', '=', id)
    .where('revoked_at', 'is', null)
    .returningAll()
    .executeTakeFirst();
}

/** The newest entry, to which nobody else adds before this transaction ends. */
export async function lockAuditHead(db: Database): Promise<AuditRow | undefined> {
  await lockWork(db, 'audit');
  return db.selectFrom('audit').selectAll().orderBy('seq', 'desc').limit(1).executeTakeFirst();
}

export async function insertAudit(db: Database, row: AuditRow): Promise<void> {
  await db.insertInto('audit').values(row).execute();
}

export async function auditAfter(db: Database, seq: number, limit: number): Promise<AuditRow[]> {
  return db.selectFrom('audit').selectAll().where('seq', '>', seq).orderBy('seq').limit(limit).execute();
}

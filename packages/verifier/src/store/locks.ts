import { PostgresAdapter, sql, type SelectQueryBuilder } from 'kysely';
import type { Database, Schema } from './schema.ts';

export function isPostgres(db: Database): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter;
}

/** Rows that stay as they are until this transaction ends; SQLite has one writer at a time anyway. */
export function locked<Tables extends keyof Schema, Row>(
  db: Database,
  query: SelectQueryBuilder<Schema, Tables, Row>,
): SelectQueryBuilder<Schema, Tables, Row> {
  return isPostgres(db) ? query.forUpdate() : query;
}

/** What one verifier of a store does at a time: numbers of advisory locks, which no other program of that database uses. */
export const LOCKS = {
  migration: 4_620_001,
  index: 4_620_002,
  audit: 4_620_003,
  alerts: 4_620_004,
  enrolment: 4_620_005,
  policies: 4_620_006,
} as const;

/** Waits until nobody else is at it; others wait until this transaction ends. */
export async function lockWork(db: Database, work: keyof typeof LOCKS): Promise<void> {
  if (isPostgres(db)) await sql`select pg_advisory_xact_lock(${LOCKS[work]})`.execute(db);
}

/** @returns false when somebody else is at it; else others are refused until this transaction ends */
export async function tryLockWork(db: Database, work: keyof typeof LOCKS): Promise<boolean> {
  if (!isPostgres(db)) return true;
  const { rows } = await sql<{ got: boolean }>`select pg_try_advisory_xact_lock(${LOCKS[work]}) as got`.execute(db);
  return rows[0]?.got === true;
}

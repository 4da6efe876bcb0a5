import { PostgresAdapter, type SelectQueryBuilder } from 'kysely';
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

import { digestText, parseBinaryList } from '@assay/core/measurement';
import { CompiledQuery } from 'kysely';
import { keysOfDigest } from './entry-key.ts';
import { EntryBatch, INTERN_ENTRIES, type NewEntry } from './intern.ts';
import { isPostgres } from './locks.ts';
import { postgresEntryIds } from './postgres-entries.ts';
import type { Database, EntryRow } from './schema.ts';

/** Rows per statement: SQLite binds at most 32766 values in one. */
const BATCH = 1000;

/**
 * The ids of entries, each stored once whatever hosts have it.
 * @returns in the order given
 */
export async function entryIds(db: Database, entries: readonly NewEntry[]): Promise<number[]> {
  if (entries.length === 0) return [];
  if (isPostgres(db)) return postgresEntryIds(db, entries);
  const { rows } = await db.executeQuery<number>(CompiledQuery.raw(INTERN_ENTRIES, [new EntryBatch(entries)]));
  return rows;
}

/** @param digest `alg:hex` */
export async function entriesWithDigest(db: Database, digest: string): Promise<EntryRow[]> {
  const keys = keysOfDigest(digest);
  if (keys === undefined) return [];
  const { first, last } = keys;
  const rows = await db.selectFrom('entries').selectAll().where('key', '>=', first).where('key', '<=', last).execute();
  return rows.filter(({ record }) => digestIn(record) === digest);
}

function digestIn(record: Uint8Array): string {
  const [entry] = parseBinaryList(record, { bank: 'sha256' }).entries;
  return digestText(entry?.fields.digest);
}

export async function entriesById(db: Database, ids: readonly number[]): Promise<Map<number, EntryRow>> {
  const wanted = [...new Set(ids)];
  const found = new Map<number, EntryRow>();
  for (let start = 0; start < wanted.length; start += BATCH) {
    const some = wanted.slice(start, start + BATCH);
    const rows = await db.selectFrom('entries').selectAll().where('id', 'in', some).execute();
    for (const row of rows) found.set(row.id, row);
  }
  return found;
}

import { digestText, parseBinaryList } from '@assay/core/measurement';
import { CompiledQuery, sql } from 'kysely';
import { Packed } from './bulk.ts';
import { keysOfDigest } from './entry-key.ts';
import { EntryBatch, INTERN_ENTRIES, type NewEntry } from './intern.ts';
import { isPostgres } from './locks.ts';
import type { Database, EntryRow } from './schema.ts';

/** Rows per statement: SQLite binds at most 32766 values in one. */
const BATCH = 1000;

/**
 * The ids of entries, each stored once whatever hosts have it.
 * @returns in the order given
 */
export async function entryIds(db: Database, entries: readonly NewEntry[]): Promise<number[]> {
  if (entries.length === 0) return [];
  if (isPostgres(db)) return postgresIds(db, entries);
  const { rows } = await db.executeQuery<number>(CompiledQuery.raw(INTERN_ENTRIES, [new EntryBatch(entries)]));
  return rows;
}

async function postgresIds(db: Database, entries: readonly NewEntry[]): Promise<number[]> {
  const ids = await knownIds(db, entries);
  const places = [...ids.keys()].filter((place) => ids[place] === null);
  const missing = places.flatMap((place) => entries[place] ?? []);
  if (missing.length > 0) {
    await addMissing(db, missing);
    for (const [index, id] of (await knownIds(db, missing)).entries()) ids[places[index] ?? 0] = id;
  }
  return ids.map(stored);
}

function stored(id: number | null): number {
  if (id === null) throw new Error('an entry that was stored is not in the store');
  return id;
}

/** One text for all: a row for each would take longer to read than to find. */
async function knownIds(db: Database, entries: readonly NewEntry[]): Promise<(number | null)[]> {
  const keys = new Packed(entries.map(({ key }) => key));
  const { rows } = await sql<{ ids: string }>`
    select string_agg(coalesce(entries.id::text, ''), ',' order by place) as ids
    from unnest(${keys.starts}::int[], ${keys.lengths}::int[]) with ordinality as given (start, length, place)
    left join entries on entries.key = substring(${keys.bytes}::bytea from given.start for given.length)`.execute(db);
  return (rows[0]?.ids ?? '').split(',').map((id) => (id === '' ? null : Number(id)));
}

/** In one order, so that two verifiers that add the same entries do not wait for each other. */
async function addMissing(db: Database, entries: readonly NewEntry[]): Promise<void> {
  const keys = new Packed(entries.map(({ key }) => key));
  const records = new Packed(entries.map(({ record }) => record));
  await sql`
    insert into entries (key, record)
    select
      substring(${keys.bytes}::bytea from key_start for key_length) as key,
      substring(${records.bytes}::bytea from record_start for record_length)
    from unnest(${keys.starts}::int[], ${keys.lengths}::int[], ${records.starts}::int[], ${records.lengths}::int[])
      as given (key_start, key_length, record_start, record_length)
    order by key
    on conflict (key) do nothing`.execute(db);
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

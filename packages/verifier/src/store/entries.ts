import { digestText, parseBinaryList } from '@assay/core/measurement';
import { CompiledQuery, sql } from 'kysely';
import { Packed } from './bulk.ts';
import { keysOfDigest } from './entry-key.ts';
import { EntryBatch, INTERN_ENTRIES, type NewEntry } from './intern.ts';
import { isPostgres } from './locks.ts';
import type { Database, EntryRow } from './schema.ts';

/** Entries over which PostgreSQL sorts and joins more than its usual 4 MB. */
const LARGE = 10_000;
const WORK_MEMORY = '128MB';
const PROBES = 100;

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
  if (entries.length > LARGE) await sql`set local work_mem = ${sql.lit(WORK_MEMORY)}`.execute(db);
  // What another verifier adds between the two is known the next time.
  const ways = (await areMostlyNew(db, entries)) ? [addedIds, knownIds] : [knownIds, addedIds, knownIds];
  const ids = entries.map((): number | null => null);
  for (const read of ways) {
    const missing = [...ids.keys()].filter((place) => ids[place] === null);
    const asked = missing.flatMap((place) => entries[place] ?? []);
    const found = asked.length === 0 ? [] : await read(db, asked);
    for (const [index, place] of missing.entries()) ids[place] = found[index] ?? null;
  }
  return ids.map(stored);
}

/** Of many entries, some tell: a list of what nobody had yet need not be looked for. */
async function areMostlyNew(db: Database, entries: readonly NewEntry[]): Promise<boolean> {
  if (entries.length <= LARGE) return false;
  const step = Math.floor(entries.length / PROBES);
  const some = entries.filter((_entry, place) => place % step === 0);
  const known = (await knownIds(db, some)).filter((id) => id !== null);
  return known.length < some.length / 10;
}

function stored(id: number | null): number {
  if (id === null) throw new Error('an entry that was stored is not in the store');
  return id;
}

/** @returns null for those that are not there */
async function knownIds(db: Database, entries: readonly NewEntry[]): Promise<(number | null)[]> {
  const keys = new Packed(entries.map(({ key }) => key));
  const { rows } = await sql<{ ids: string }>`
    select string_agg(coalesce(entries.id::text, ''), ',' order by place) as ids
    from unnest(${keys.starts}::int[], ${keys.lengths}::int[]) with ordinality as given (start, length, place)
    left join entries on entries.key = substring(${keys.bytes}::bytea from given.start for given.length)`.execute(db);
  return idsIn(rows);
}

/**
 * Adds entries, in one order, so that two verifiers that add the same ones do not wait for each other.
 * @returns null for those that another verifier had added before
 */
async function addedIds(db: Database, entries: readonly NewEntry[]): Promise<(number | null)[]> {
  const keys = new Packed(entries.map(({ key }) => key));
  const records = new Packed(entries.map(({ record }) => record));
  const { rows } = await sql<{ ids: string }>`
    with given as materialized (
      select
        substring(${keys.bytes}::bytea from key_start for key_length) as key,
        substring(${records.bytes}::bytea from record_start for record_length) as record,
        place
      from unnest(${keys.starts}::int[], ${keys.lengths}::int[], ${records.starts}::int[], ${records.lengths}::int[])
        with ordinality as packed (key_start, key_length, record_start, record_length, place)
    ), added as (
      insert into entries (key, record) select key, record from given order by key
      on conflict (key) do nothing
      returning id, key
    )
    select string_agg(coalesce(added.id::text, ''), ',' order by place) as ids
    from given left join added on added.key = given.key`.execute(db);
  return idsIn(rows);
}

/** One text for all: a row for each would take longer to read than to find. */
function idsIn([row]: readonly { readonly ids: string }[]): (number | null)[] {
  return (row?.ids ?? '').split(',').map((id) => (id === '' ? null : Number(id)));
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

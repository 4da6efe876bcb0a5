import { setImmediate } from 'node:timers/promises';
import { equalBytes } from '@assay/core/bytes';
import { CompiledQuery, sql } from 'kysely';
import pg from 'pg';
import { Packed } from './bulk.ts';
import { COPY_ENTRIES, EntryCopy } from './copy.ts';
import type { NewEntry } from './intern.ts';
import type { Database, EntryRow } from './schema.ts';

/** Entries over which PostgreSQL sorts and joins more than its usual 4 MB, and over which it copies. */
const LARGE = 10_000;
const WORK_MEMORY = '128MB';
const PROBES = 1000;
/** Where the template digest stands in a key, and as much of it as a number holds. */
const NUMBER_START = 8;
const NUMBER_END = NUMBER_START + 6;
/** A key that is there, and a deadlock: what two verifiers meet that copy the same entries at the same time. */
const AT_THE_SAME_TIME: ReadonlySet<string> = new Set(['23505', '40P01']);

/**
 * The ids of entries, each stored once whatever hosts have it; many are stored in a transaction only.
 * @returns in the order given
 */
export async function postgresEntryIds(db: Database, entries: readonly NewEntry[]): Promise<number[]> {
  if (entries.length <= LARGE) return withMissing(db, entries, await knownIds(db, entries));
  // What it would compile for so many rows takes longer than it saves.
  await sql`select set_config('work_mem', ${WORK_MEMORY}, true), set_config('jit', 'off', true)`.execute(db);
  const looked = entries.slice(0, await knownUpTo(db, entries));
  const beginning = looked.length === 0 ? [] : await knownIds(db, looked);
  const known = entries.map((_entry, place) => beginning[place] ?? null);
  const missing = entries.filter((_entry, place) => known[place] === null);
  const copied = missing.length > LARGE ? await copiedIds(db, missing) : undefined;
  if (copied === undefined) return withMissing(db, entries, known);
  const ids = copied.values();
  return known.map((id) => id ?? stored(ids.next().value ?? null));
}

/**
 * How many of the entries may be known, from the first on: machines of one kind begin alike. Where none of many that are
 * looked for behind that beginning is known, all are taken for new.
 */
async function knownUpTo(db: Database, entries: readonly NewEntry[]): Promise<number> {
  const step = Math.ceil(entries.length / PROBES);
  const probes = await knownIds(
    db,
    entries.filter((_entry, place) => place % step === 0),
  );
  const known = probes.findLastIndex((id) => id !== null) + 1;
  return probes.slice(0, known).includes(null) ? entries.length : known * step;
}

/** @param ids of those that are known. What another verifier adds between two looks is known the next time. */
async function withMissing(
  db: Database,
  entries: readonly NewEntry[],
  ids: readonly (number | null)[],
): Promise<number[]> {
  let found = ids;
  for (const read of [addedIds, knownIds]) {
    const missing = entries.filter((_entry, place) => found[place] === null);
    const ofMissing = (missing.length === 0 ? [] : await read(db, missing)).values();
    found = found.map((id) => id ?? ofMissing.next().value ?? null);
  }
  return found.map(stored);
}

function stored(id: number | null): number {
  if (id === null) throw new Error('an entry that was stored is not in the store');
  return id;
}

/**
 * Copies entries that were not known a moment ago, in their order: to put them in that of their keys takes longer than it saves.
 * @returns undefined where another verifier has added one since, or where one is in the list that was not looked for
 */
async function copiedIds(db: Database, entries: readonly NewEntry[]): Promise<number[] | undefined> {
  // PostgreSQL counts meanwhile.
  const [ids, first] = await Promise.all([
    nextIds(db, entries.length),
    setImmediate().then(() => firstPlaces(entries)),
  ]);
  if (first === undefined) return undefined;
  const rows = rowsOf(entries, first, ids);
  await sql`savepoint copied`.execute(db);
  try {
    await db.executeQuery(CompiledQuery.raw(COPY_ENTRIES, [new EntryCopy(rows)]));
  } catch (error) {
    if (!(error instanceof pg.DatabaseError) || !AT_THE_SAME_TIME.has(error.code ?? '')) throw error;
    await sql`rollback to savepoint copied`.execute(db);
    return undefined;
  }
  await sql`release savepoint copied`.execute(db);
  return first.map((place) => stored(ids[place] ?? null));
}

/**
 * For each entry, where the first one with its key stands.
 * @returns undefined where two keys that differ have the same number, which is as good as never
 */
function firstPlaces(entries: readonly NewEntry[]): number[] | undefined {
  const places = new Map<number, number>();
  const first: number[] = [];
  for (const [place, { key }] of entries.entries()) {
    const number = numberIn(key);
    const known = places.get(number);
    if (known === undefined) places.set(number, place);
    else if (!equalBytes(entries[known]?.key ?? key, key)) return undefined;
    first.push(known ?? place);
  }
  return first;
}

/** Six bytes of the template digest, which are found many times as fast as the key. */
function numberIn(key: Uint8Array): number {
  let number = 0;
  for (let at = NUMBER_START; at < NUMBER_END; at++) number = number * 0x100 + (key[at] ?? 0);
  return number;
}

/** So many ids that nobody else has. */
async function nextIds(db: Database, count: number): Promise<number[]> {
  const { rows } = await sql<{ ids: string }>`
    select string_agg(nextval(sequence)::text, ',') as ids
    from (select pg_get_serial_sequence('entries', 'id')::regclass as sequence offset 0) as of_entries,
      generate_series(1, ${count}::int)`.execute(db);
  return idsIn(rows).map(stored);
}

function* rowsOf(
  entries: readonly NewEntry[],
  first: readonly number[],
  ids: readonly number[],
): Generator<EntryRow, void> {
  for (const [place, { key, record }] of entries.entries()) {
    if (first[place] === place) yield { id: stored(ids[place] ?? null), key, record };
  }
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

import { CompiledQuery, sql } from 'kysely';
import { EachRow, integers, Packed } from './bulk.ts';
import { decodeIds, encodeIds } from './ids.ts';
import { isPostgres, tryLockWork } from './locks.ts';
import type { Database, EntryBootsRow } from './schema.ts';

/** That the list of a boot has an entry. */
export interface Sighting {
  readonly boot: number;
  /** When the entry came, in milliseconds since 1970. */
  readonly at: number;
}

/** Sightings of one row: what is added to a row writes it anew. */
const BLOCK_PAIRS = 512;
/** Arrivals that one transaction moves into the index, and entries over which it takes no more: rounds wait meanwhile. */
const ARRIVALS_AT_ONCE = 64;
const ENTRIES_AT_ONCE = 4096;
const BATCH = 500;

/** First the boots, then the times, in one sequence of differences: boots that came together differ by little. */
function encodeSightings(sightings: readonly Sighting[]): Uint8Array {
  return encodeIds([...sightings.map(({ boot }) => boot), ...sightings.map(({ at }) => at)]);
}

function decodeSightings(bytes: Uint8Array): Sighting[] {
  const numbers = decodeIds(bytes);
  const count = numbers.length / 2;
  return numbers.slice(0, count).map((boot, index) => ({ boot, at: numbers[count + index] ?? 0 }));
}

/**
 * Moves arrivals into the index from entries to boots, the oldest first. Until then they are found by reading them.
 * @param most entries over which it takes no other arrival
 * @returns false when there were none, or another verifier does it
 */
export async function indexArrivals(database: Database, most = ENTRIES_AT_ONCE): Promise<boolean> {
  return database.transaction().execute(async (db) => {
    if (!(await tryLockWork(db, 'index'))) return false;
    const limit = Math.max(ARRIVALS_AT_ONCE, Math.ceil(most / ENTRIES_AT_ONCE));
    const arrivals = withinLimit(await notIndexed(db).orderBy('seq').limit(limit).execute(), most);
    if (arrivals.length === 0) return false;
    const found = [...sightingsByEntry(arrivals)];
    for (let start = 0; start < found.length; start += BATCH) await extend(db, found.slice(start, start + BATCH));
    const seqs = arrivals.map(({ seq }) => seq);
    await db.updateTable('boot_entries').set({ indexed: 1 }).where('seq', 'in', seqs).execute();
    return true;
  });
}

function notIndexed(db: Database) {
  return db.selectFrom('boot_entries').select(['seq', 'boot', 'count', 'received_at', 'ids']).where('indexed', '=', 0);
}

/** At least one. */
function withinLimit<Row extends { readonly count: number }>(arrivals: readonly Row[], most: number): Row[] {
  let entries = 0;
  return arrivals.filter(({ count }, index) => (entries += count) <= most || index === 0);
}

interface Arrived {
  readonly boot: number;
  readonly received_at: string;
  readonly ids: Uint8Array;
}

/** @param wanted the entries asked for; without it all */
function sightingsByEntry(arrivals: readonly Arrived[], wanted?: ReadonlySet<number>): Map<number, Sighting[]> {
  const found = new Map<number, Sighting[]>();
  for (const { boot, received_at: receivedAt, ids } of arrivals) {
    const at = Date.parse(receivedAt);
    for (const entry of decodeIds(ids)) {
      if (wanted !== undefined && !wanted.has(entry)) continue;
      const sightings = found.get(entry);
      if (sightings === undefined) found.set(entry, [{ boot, at }]);
      else sightings.push({ boot, at });
    }
  }
  return found;
}

/** Adds to the last block of each entry what fits there, and the rest in new ones. */
async function extend(db: Database, found: readonly [entry: number, sightings: Sighting[]][]): Promise<void> {
  const entries = found.map(([entry]) => entry);
  const last = new Map((await lastBlocks(db, entries)).map((row) => [row.entry, row]));
  const rows = found.flatMap(([entry, sightings]) => blocksOf(entry, last.get(entry), sightings));
  await (isPostgres(db) ? saveOnPostgres(db, rows) : db.executeQuery(CompiledQuery.raw(SAVE, [eachRow(rows)])));
}

const SAVE = `
  insert into entry_boots (entry, block, pairs, sightings) values (?, ?, ?, ?)
  on conflict (entry, block) do update set pairs = excluded.pairs, sightings = excluded.sightings`;

function eachRow(rows: readonly EntryBootsRow[]): EachRow {
  return new EachRow(rows.map(({ entry, block, pairs, sightings }) => [entry, block, pairs, sightings]));
}

async function saveOnPostgres(db: Database, rows: readonly EntryBootsRow[]): Promise<unknown> {
  const sightings = new Packed(rows.map((row) => row.sightings));
  const entries = integers(rows.map(({ entry }) => entry));
  const blocks = integers(rows.map(({ block }) => block));
  const pairs = integers(rows.map((row) => row.pairs));
  return sql`
    insert into entry_boots (entry, block, pairs, sightings)
    select entry, block, pairs, substring(${sightings.bytes}::bytea from start for length)
    from unnest(${entries}::bigint[], ${blocks}::bigint[], ${pairs}::bigint[],
      ${sightings.starts}::int[], ${sightings.lengths}::int[]) as given (entry, block, pairs, start, length)
    on conflict (entry, block) do update set pairs = excluded.pairs, sightings = excluded.sightings`.execute(db);
}

async function lastBlocks(db: Database, entries: readonly number[]): Promise<EntryBootsRow[]> {
  return db
    .selectFrom('entry_boots as one')
    .selectAll()
    .where('entry', 'in', entries)
    .where('block', '=', ({ selectFrom }) =>
      selectFrom('entry_boots as each')
        .select(({ fn }) => fn.max('each.block').as('newest'))
        .whereRef('each.entry', '=', 'one.entry'),
    )
    .execute();
}

function blocksOf(entry: number, last: EntryBootsRow | undefined, sightings: readonly Sighting[]): EntryBootsRow[] {
  const open = last !== undefined && last.pairs < BLOCK_PAIRS ? last : undefined;
  const all = open === undefined ? sightings : [...decodeSightings(open.sightings), ...sightings];
  const first = open?.block ?? (last?.block ?? -1) + 1;
  const rows: EntryBootsRow[] = [];
  for (let start = 0; start < all.length; start += BLOCK_PAIRS) {
    const part = all.slice(start, start + BLOCK_PAIRS);
    rows.push({ entry, block: first + rows.length, pairs: part.length, sightings: encodeSightings(part) });
  }
  return rows;
}

/** Every boot whose list has one of the entries. */
export async function sightingsOf(db: Database, entries: readonly number[]): Promise<Map<number, Sighting[]>> {
  if (entries.length === 0) return new Map();
  // First what is not in the index, so that what moves there meanwhile is found twice rather than never.
  const found = sightingsByEntry(await notIndexed(db).execute(), new Set(entries));
  const blocks = await db
    .selectFrom('entry_boots')
    .select(['entry', 'sightings'])
    .where('entry', 'in', entries)
    .execute();
  for (const { entry, sightings } of blocks) {
    found.set(entry, [...(found.get(entry) ?? []), ...decodeSightings(sightings)]);
  }
  return found;
}

import { sql } from 'kysely';
import { decodeIds, encodeIds } from './ids.ts';
import { isPostgres } from './locks.ts';
import type { Database, EntryBootsRow } from './schema.ts';

/** That the list of a boot has an entry. */
export interface Sighting {
  readonly boot: number;
  /** When the entry came, in milliseconds since 1970. */
  readonly at: number;
}

/** Sightings of one row: what is added to a row writes it anew. */
const BLOCK_PAIRS = 512;
/** Arrivals that one transaction moves into the index; each has at most a few thousand entries. */
const ARRIVALS_AT_ONCE = 16;
const BATCH = 500;
/** Of the lock under which one verifier at a time extends the index; any number that no other program uses. */
const INDEX_LOCK = 4_620_002;

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
 * @returns false when there were none, or another verifier does it
 */
export async function indexArrivals(database: Database): Promise<boolean> {
  return database.transaction().execute(async (db) => {
    if (!(await mayIndex(db))) return false;
    const arrivals = await notIndexed(db).orderBy('seq').limit(ARRIVALS_AT_ONCE).execute();
    if (arrivals.length === 0) return false;
    const found = [...sightingsByEntry(arrivals)];
    for (let start = 0; start < found.length; start += BATCH) await extend(db, found.slice(start, start + BATCH));
    const seqs = arrivals.map(({ seq }) => seq);
    await db.updateTable('boot_entries').set({ indexed: 1 }).where('seq', 'in', seqs).execute();
    return true;
  });
}

async function mayIndex(db: Database): Promise<boolean> {
  if (!isPostgres(db)) return true;
  const { rows } = await sql<{ free: boolean }>`select pg_try_advisory_xact_lock(${INDEX_LOCK}) as free`.execute(db);
  return rows[0]?.free === true;
}

function notIndexed(db: Database) {
  return db.selectFrom('boot_entries').select(['seq', 'boot', 'received_at', 'ids']).where('indexed', '=', 0);
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
  await db
    .insertInto('entry_boots')
    .values(rows)
    .onConflict((conflict) =>
      conflict.columns(['entry', 'block']).doUpdateSet(({ ref }) => {
        return { pairs: ref('excluded.pairs'), sightings: ref('excluded.sightings') };
      }),
    )
    .execute();
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

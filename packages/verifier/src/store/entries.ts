import type { Database, EntryRow } from './schema.ts';

/** Rows per statement: SQLite binds at most 32766 values in one. */
const BATCH = 1000;

export type NewEntry = Omit<EntryRow, 'id'>;

/**
 * The ids of entries, each stored once whatever hosts have it.
 * @returns in the order given
 */
export async function entryIds(db: Database, entries: readonly NewEntry[]): Promise<number[]> {
  const ids = new Map<string, number>();
  const keys = entries.map(({ key }) => keyText(key));
  const byKey = new Map(entries.map((entry, index) => [keys[index] ?? '', entry]));
  const wanted = [...byKey.keys()];
  await readIds(db, byKey, wanted, ids);
  // In one order, so that two verifiers that add the same entries do not wait for each other.
  const missing = wanted.filter((key) => !ids.has(key)).toSorted();
  const added = await addEntries(db, byKey, missing, ids);
  if (added < missing.length) {
    // Another verifier added them meanwhile.
    await readIds(db, byKey, missing, ids);
  }
  return keys.map((key) => idOf(ids, key));
}

/** A byte each character: lists have hundreds of thousands of keys. */
function keyText(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
}

function idOf(ids: ReadonlyMap<string, number>, key: string): number {
  const id = ids.get(key);
  if (id === undefined) throw new Error('an entry that was stored is not in the store');
  return id;
}

type ByKey = ReadonlyMap<string, NewEntry>;

async function readIds(db: Database, byKey: ByKey, wanted: readonly string[], ids: Map<string, number>): Promise<void> {
  for (const texts of batches(wanted)) {
    const keys = rowsOf(byKey, texts).map(({ key }) => key);
    const rows = await db.selectFrom('entries').select(['id', 'key']).where('key', 'in', keys).execute();
    for (const { id, key } of rows) ids.set(keyText(key), id);
  }
}

async function addEntries(
  db: Database,
  byKey: ByKey,
  missing: readonly string[],
  ids: Map<string, number>,
): Promise<number> {
  let added = 0;
  for (const texts of batches(missing)) {
    const rows = await db
      .insertInto('entries')
      .values(rowsOf(byKey, texts))
      .onConflict((conflict) => conflict.column('key').doNothing())
      .returning(['id', 'key'])
      .execute();
    for (const { id, key } of rows) ids.set(keyText(key), id);
    added += rows.length;
  }
  return added;
}

function rowsOf(byKey: ByKey, texts: readonly string[]): NewEntry[] {
  return texts.flatMap((text) => byKey.get(text) ?? []);
}

function* batches<T>(items: readonly T[]): Generator<T[]> {
  for (let start = 0; start < items.length; start += BATCH) yield items.slice(start, start + BATCH);
}

export async function entriesWithDigest(db: Database, digest: string): Promise<EntryRow[]> {
  return db.selectFrom('entries').selectAll().where('digest', '=', digest).execute();
}

export async function entriesById(db: Database, ids: readonly number[]): Promise<Map<number, EntryRow>> {
  const found = new Map<number, EntryRow>();
  for (const some of batches([...new Set(ids)])) {
    const rows = await db.selectFrom('entries').selectAll().where('id', 'in', some).execute();
    for (const row of rows) found.set(row.id, row);
  }
  return found;
}

import { entriesById } from './entries.ts';
import { decodeIds, encodeIds } from './ids.ts';
import type { Database } from './schema.ts';

/** An entry in the list of a boot. */
export interface ListedRow {
  /** Place in the list, from 1. */
  readonly number: number;
  readonly record: Uint8Array;
  readonly receivedAt: string;
}

/** Entries that came in one round. */
export interface Arrival {
  readonly boot: number;
  readonly first: number;
  readonly ids: readonly number[];
  readonly receivedAt: string;
}

/** Entries of one row, so that no reader of a few of them decodes very many. */
const ROW_LIMIT = 4096;
/** Of a statement; SQLite binds at most 32,766 values in one. */
const ROWS_AT_ONCE = 1000;

export async function appendToList(db: Database, { boot, first, ids, receivedAt }: Arrival): Promise<void> {
  const rows = Array.from({ length: Math.ceil(ids.length / ROW_LIMIT) }, (_, index) => {
    const part = ids.slice(index * ROW_LIMIT, (index + 1) * ROW_LIMIT);
    const place = { boot, first: first + index * ROW_LIMIT, count: part.length };
    return { ...place, received_at: receivedAt, ids: encodeIds(part), indexed: 0 } as const;
  });
  for (let start = 0; start < rows.length; start += ROWS_AT_ONCE) {
    await db
      .insertInto('boot_entries')
      .values(rows.slice(start, start + ROWS_AT_ONCE))
      .execute();
  }
}

/** Part of the list of a boot, in its order. @param from place of its first entry, `to` of its last */
export async function listOf(db: Database, boot: number, from: number, to: number): Promise<ListedRow[]> {
  if (to < from) return [];
  const arrivals = await db
    .selectFrom('boot_entries')
    .select(['first', 'received_at', 'ids'])
    .where('boot', '=', boot)
    .where('first', '<=', to)
    .where((where) => where(where('first', '+', where.ref('count')), '>', from))
    .orderBy('first')
    .execute();
  const listed = arrivals.flatMap(({ first, received_at: receivedAt, ids }) =>
    decodeIds(ids).map((id, index) => ({ number: first + index, id, receivedAt })),
  );
  const wanted = listed.filter(({ number }) => number >= from && number <= to);
  const entries = await entriesById(
    db,
    wanted.map(({ id }) => id),
  );
  return wanted.map(({ number, id, receivedAt }) => {
    const entry = entries.get(id);
    if (entry === undefined) throw new Error(`entry ${id} of boot ${boot} is not in the store`);
    return { number, record: entry.record, receivedAt };
  });
}

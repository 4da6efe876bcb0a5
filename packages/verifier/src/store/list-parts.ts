import { decodeIds } from './ids.ts';
import type { Database } from './schema.ts';
import type { ListPartRow } from './sent-rows.ts';

/** A part without its entries. */
export type PartPlace = Omit<ListPartRow, 'ids'>;

/** In the order of the list. */
export async function partsOf(db: Database, host: string): Promise<PartPlace[]> {
  return db
    .selectFrom('list_parts')
    .select(['host', 'first', 'byte_offset', 'upload', 'start_pcr', 'end_pcr', 'count', 'bytes'])
    .select(['violations', 'received_at'])
    .where('host', '=', host)
    .orderBy('first')
    .execute();
}

export async function addPart(db: Database, row: ListPartRow): Promise<void> {
  await db.insertInto('list_parts').values(row).execute();
}

export async function partIds(db: Database, { host, first }: Pick<ListPartRow, 'host' | 'first'>): Promise<number[]> {
  const query = db.selectFrom('list_parts').select('ids').where('host', '=', host).where('first', '=', first);
  return decodeIds((await query.executeTakeFirstOrThrow()).ids);
}

export async function dropParts(db: Database, host: string): Promise<void> {
  await db.deleteFrom('list_parts').where('host', '=', host).execute();
}

import type { Measurement } from '@assay/wire';
import type { Database, MeasurementRow } from './schema.ts';

/** Rows per statement: SQLite binds at most 32766 values in one. */
const BATCH = 1000;

export async function insertMeasurements(db: Database, rows: readonly MeasurementRow[]): Promise<void> {
  for (let start = 0; start < rows.length; start += BATCH) {
    await db
      .insertInto('measurements')
      .values(rows.slice(start, start + BATCH))
      .execute();
  }
}

export async function dropMeasurements(db: Database, boot: number): Promise<void> {
  await db.deleteFrom('measurements').where('boot', '=', boot).execute();
}

export interface MeasurementPage {
  readonly limit: number;
  readonly order: 'asc' | 'desc';
  /** Entry number after which the page begins, in its order. */
  readonly after?: number | undefined;
}

export async function measurementsOf(db: Database, boot: number, page: MeasurementPage): Promise<MeasurementRow[]> {
  let query = db.selectFrom('measurements').selectAll().where('boot', '=', boot);
  if (page.after !== undefined) query = query.where('entry', page.order === 'asc' ? '>' : '<', page.after);
  return query.orderBy('entry', page.order).limit(page.limit).execute();
}

export async function recordsOf(db: Database, boot: number): Promise<Uint8Array[]> {
  const rows = await db.selectFrom('measurements').select('record').where('boot', '=', boot).orderBy('entry').execute();
  return rows.map((row) => row.record);
}

/** Distinct digests and names of the current list that have one of the states. */
export async function measuredDigests(
  db: Database,
  boot: number,
  except: readonly Measurement['status'][],
): Promise<{ digest: string; path: string }[]> {
  return db
    .selectFrom('measurements')
    .select(['digest', 'filename_hint as path'])
    .distinct()
    .where('boot', '=', boot)
    .where('status', 'not in', except)
    .execute();
}

export async function setStatus(
  db: Database,
  boot: number,
  entries: readonly number[],
  status: Measurement['status'],
): Promise<void> {
  for (let start = 0; start < entries.length; start += BATCH) {
    await db
      .updateTable('measurements')
      .set({ status })
      .where('boot', '=', boot)
      .where('entry', 'in', entries.slice(start, start + BATCH))
      .where('status', '!=', status)
      .execute();
  }
}

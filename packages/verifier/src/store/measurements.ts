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

export async function allMeasurementsOf(db: Database, boot: number): Promise<MeasurementRow[]> {
  return db.selectFrom('measurements').selectAll().where('boot', '=', boot).orderBy('entry').execute();
}

/** @param statuses by entry number */
export async function setStatuses(
  db: Database,
  boot: number,
  statuses: ReadonlyMap<number, MeasurementRow['status']>,
): Promise<void> {
  for (const [status, group] of Map.groupBy(statuses, ([, of]) => of)) {
    const entries = group.map(([entry]) => entry);
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
}

import type { Database, BootRow, FindingRow, ReferenceVersionRow } from './schema.ts';

/** Newest first. */
export async function bootsOf(db: Database, host: string, most: number): Promise<BootRow[]> {
  const query = db.selectFrom('boots').selectAll().where('host', '=', host);
  return query.orderBy('id', 'desc').limit(most).execute();
}

/** When entries came to lists of these boots, without the entries; newest first. */
export async function arrivalsOf(
  db: Database,
  boots: readonly number[],
  most: number,
): Promise<{ at: string; boot: number; first: number; count: number }[]> {
  if (boots.length === 0) return [];
  const query = db.selectFrom('boot_entries').select(['received_at as at', 'boot', 'first', 'count']);
  return query.where('boot', 'in', boots).orderBy('seq', 'desc').limit(most).execute();
}

/** Newest first. */
export async function capturesOf(db: Database, host: string, most: number): Promise<ReferenceVersionRow[]> {
  const query = db.selectFrom('reference_versions').selectAll().where('host', '=', host);
  return query.orderBy('version', 'desc').limit(most).execute();
}

/** Newest first, open or not. */
export async function findingsThatWere(db: Database, host: string, most: number): Promise<FindingRow[]> {
  const query = db.selectFrom('findings').selectAll().where('host', '=', host);
  return query.orderBy('seq', 'desc').limit(most).execute();
}

import type { KeyRenewalRow } from './history-rows.ts';
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

/** Newest first. */
export async function keyRenewalsOf(db: Database, host: string, most: number): Promise<KeyRenewalRow[]> {
  const query = db.selectFrom('key_renewals').selectAll().where('host', '=', host);
  return query.orderBy('seq', 'desc').limit(most).execute();
}

/** Newest first, open or not. */
export async function findingsThatWere(db: Database, host: string, most: number): Promise<FindingRow[]> {
  const query = db.selectFrom('findings').selectAll().where('host', '=', host);
  return query.orderBy('seq', 'desc').limit(most).execute();
}

/** The boot that was current at a time. */
export async function bootAt(db: Database, host: string, at: string): Promise<BootRow | undefined> {
  const query = db.selectFrom('boots').selectAll().where('host', '=', host).where('since', '<=', at);
  return query.orderBy('id', 'desc').limit(1).executeTakeFirst();
}

/** How many entries of the list of a boot had come at a time. */
export async function listLengthAt(db: Database, boot: number, at: string): Promise<number> {
  const query = db.selectFrom('boot_entries').select(['first', 'count']);
  const last = query.where('boot', '=', boot).where('received_at', '<=', at).orderBy('first', 'desc').limit(1);
  const row = await last.executeTakeFirst();
  return row === undefined ? 0 : row.first + row.count - 1;
}

/** The newest values that had been captured on a host at a time. */
export async function capturedBefore(db: Database, host: string, at: string): Promise<ReferenceVersionRow | undefined> {
  const query = db.selectFrom('reference_versions').selectAll().where('host', '=', host);
  return query.where('captured_at', '<=', at).orderBy('version', 'desc').limit(1).executeTakeFirst();
}

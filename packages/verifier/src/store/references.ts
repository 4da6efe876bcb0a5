import type { Database, ReferenceValueRow, ReferenceVersionRow } from './schema.ts';

const BATCH = 1000;

export async function addReferenceVersion(
  db: Database,
  version: ReferenceVersionRow,
  values: readonly { digest: string; path: string }[],
): Promise<void> {
  const { host, version: number } = version;
  const rows: ReferenceValueRow[] = values.map(({ digest, path }) => ({ host, version: number, digest, path }));
  await db.insertInto('reference_versions').values(version).execute();
  for (let start = 0; start < rows.length; start += BATCH) {
    await db
      .insertInto('reference_values')
      .values(rows.slice(start, start + BATCH))
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  }
}

export async function referenceVersion(
  db: Database,
  host: string,
  version: number,
): Promise<ReferenceVersionRow | undefined> {
  return db
    .selectFrom('reference_versions')
    .selectAll()
    .where('host', '=', host)
    .where('version', '=', version)
    .executeTakeFirst();
}

export async function referenceValues(
  db: Database,
  host: string,
  version: number,
): Promise<{ digest: string; path: string }[]> {
  return db
    .selectFrom('reference_values')
    .select(['digest', 'path'])
    .where('host', '=', host)
    .where('version', '=', version)
    .execute();
}

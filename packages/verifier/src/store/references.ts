import { policyReferences } from './policies.ts';
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

/** The active version of each host that has one; a policy goes before what was captured. */
export async function activeReferences(db: Database, hosts: readonly string[]): Promise<ReferenceVersionRow[]> {
  if (hosts.length === 0) return [];
  const policies = await policyReferences(db, hosts);
  const named = new Set(policies.map(({ host }) => host));
  const captured = await capturedReferences(db, hosts);
  return [...policies, ...captured.filter(({ host }) => !named.has(host))];
}

async function capturedReferences(db: Database, hosts: readonly string[]): Promise<ReferenceVersionRow[]> {
  return db
    .selectFrom('reference_versions')
    .innerJoin('hosts', (join) =>
      join
        .onRef('hosts.id', '=', 'reference_versions.host')
        .onRef('hosts.reference_version', '=', 'reference_versions.version'),
    )
    .selectAll('reference_versions')
    .where('hosts.id', 'in', hosts)
    .execute();
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

import type { Database, PolicyChangeRow } from './schema.ts';

const BATCH = 1000;

export async function addPolicyChanges(db: Database, rows: readonly PolicyChangeRow[]): Promise<void> {
  for (let start = 0; start < rows.length; start += BATCH) {
    await db
      .insertInto('policy_changes')
      .values(rows.slice(start, start + BATCH))
      .execute();
  }
}

/** How versions of policies changed as to a digest, the newest first. */
export async function policyChangesOf(db: Database, digest: string): Promise<PolicyChangeRow[]> {
  return db
    .selectFrom('policy_changes')
    .selectAll()
    .where('digest', '=', digest)
    .orderBy('version', 'desc')
    .orderBy('name')
    .limit(100)
    .execute();
}

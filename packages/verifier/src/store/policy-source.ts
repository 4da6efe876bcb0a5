import type { Database, ManagedPolicyRow, PolicySourceRow } from './schema.ts';

export async function policySourceRow(db: Database): Promise<PolicySourceRow | undefined> {
  return db.selectFrom('policy_source').selectAll().executeTakeFirst();
}

export async function savePolicySource(db: Database, row: PolicySourceRow): Promise<void> {
  await db
    .insertInto('policy_source')
    .values(row)
    .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
    .execute();
}

/** By name. */
export async function managedPolicies(db: Database): Promise<ManagedPolicyRow[]> {
  return db.selectFrom('managed_policies').selectAll().orderBy('name').execute();
}

export async function managedPolicy(db: Database, name: string): Promise<ManagedPolicyRow | undefined> {
  return db.selectFrom('managed_policies').selectAll().where('name', '=', name).executeTakeFirst();
}

/** These and no others. */
export async function saveManagedPolicies(db: Database, rows: readonly ManagedPolicyRow[]): Promise<void> {
  await db.deleteFrom('managed_policies').execute();
  if (rows.length > 0) await db.insertInto('managed_policies').values(rows).execute();
}

/** No source has a hand in any policy any more. */
export async function forgetPolicySource(db: Database): Promise<void> {
  await db.deleteFrom('managed_policies').execute();
  await db.deleteFrom('policy_source').execute();
}

import { locked } from './locks.ts';
import type { Database, PolicyInForceRow, PolicyRow, ReferenceVersionRow } from './schema.ts';

export type PolicySummaryRow = Omit<PolicyRow, 'document'>;

const SUMMARY = [
  'name',
  'version',
  'digest',
  'digests',
  'signer',
  'signer_key',
  'signers',
  'pushed_by',
  'pushed_at',
  'commit_id',
] as const;

/** All versions, by name and version. */
export async function allPolicies(db: Database): Promise<PolicySummaryRow[]> {
  return db.selectFrom('policies').select(SUMMARY).orderBy('name').orderBy('version').execute();
}

export async function policyOf(db: Database, name: string, version: number): Promise<PolicyRow | undefined> {
  const query = db.selectFrom('policies').selectAll().where('name', '=', name);
  return query.where('version', '=', version).executeTakeFirst();
}

/** Without the document. */
export async function policySummaryOf(
  db: Database,
  name: string,
  version: number,
): Promise<PolicySummaryRow | undefined> {
  const query = db.selectFrom('policies').select(SUMMARY).where('name', '=', name);
  return query.where('version', '=', version).executeTakeFirst();
}

export async function newestPolicy(db: Database, name: string): Promise<PolicyRow | undefined> {
  const query = db.selectFrom('policies').selectAll().where('name', '=', name);
  return query.orderBy('version', 'desc').limit(1).executeTakeFirst();
}

/** The version of a policy that comes before another. */
export async function policyBefore(db: Database, name: string, version: number): Promise<PolicyRow | undefined> {
  const query = db.selectFrom('policies').selectAll().where('name', '=', name).where('version', '<', version);
  return query.orderBy('version', 'desc').limit(1).executeTakeFirst();
}

export async function insertPolicy(db: Database, row: PolicyRow): Promise<void> {
  await db.insertInto('policies').values(row).execute();
}

export async function signPolicy(
  db: Database,
  { name, version, signer, signer_key, signers }: PolicyRow,
): Promise<void> {
  const query = db.updateTable('policies').set({ signer, signer_key, signers }).where('name', '=', name);
  await query.where('version', '=', version).execute();
}

export async function policiesInForce(db: Database): Promise<PolicyInForceRow[]> {
  return db.selectFrom('policies_in_force').selectAll().execute();
}

export async function policyInForce(db: Database, name: string): Promise<PolicyInForceRow | undefined> {
  return db.selectFrom('policies_in_force').selectAll().where('name', '=', name).executeTakeFirst();
}

/** Nobody else changes it before this transaction ends. */
export async function lockPolicyInForce(db: Database, name: string): Promise<PolicyInForceRow | undefined> {
  return locked(db, db.selectFrom('policies_in_force').selectAll().where('name', '=', name)).executeTakeFirst();
}

export async function putInForce(db: Database, row: PolicyInForceRow): Promise<void> {
  await db
    .insertInto('policies_in_force')
    .values(row)
    .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
    .execute();
}

/** Of which something has ended since somebody looked. */
export async function policiesEnded(db: Database, now: string): Promise<PolicyInForceRow[]> {
  return db.selectFrom('policies_in_force').selectAll().where('ends_at', '<', now).execute();
}

/** The boots of all hosts of a policy, by the version that is in force already. */
export async function judgeAllAgain(db: Database, name: string): Promise<void> {
  await db.updateTable('host_policies').set({ judged: null }).where('name', '=', name).execute();
}

/** By how many hosts' boots were judged by which version; null: by none yet. */
export async function rollouts(db: Database): Promise<{ name: string; version: number | null; hosts: number }[]> {
  return db
    .selectFrom('host_policies')
    .select(({ fn }) => ['name', 'judged as version', fn.count<number>('host').as('hosts')])
    .groupBy(['name', 'judged'])
    .orderBy('name')
    .orderBy('judged')
    .execute();
}

export async function assignPolicy(db: Database, hosts: readonly string[], name: string): Promise<void> {
  for (const host of hosts) {
    await db
      .insertInto('host_policies')
      .values({ host, name, judged: null })
      .onConflict((conflict) => conflict.column('host').doUpdateSet({ name, judged: null }))
      .execute();
  }
}

export async function hostsOfPolicy(db: Database, name: string): Promise<string[]> {
  const rows = await db.selectFrom('host_policies').select('host').where('name', '=', name).orderBy('host').execute();
  return rows.map(({ host }) => host);
}

/** Name and version of what is in force for a host; the keys of what is kept in memory. */
export async function policyInForceFor(db: Database, host: string): Promise<PolicyInForceRow | undefined> {
  return db
    .selectFrom('host_policies')
    .innerJoin('policies_in_force', 'policies_in_force.name', 'host_policies.name')
    .selectAll('policies_in_force')
    .where('host_policies.host', '=', host)
    .executeTakeFirst();
}

/** What is in force for each host that has a policy, in the form of captured reference values. */
export async function policyReferences(db: Database, hosts: readonly string[]): Promise<ReferenceVersionRow[]> {
  if (hosts.length === 0) return [];
  return db
    .selectFrom('host_policies')
    .innerJoin('policies_in_force', 'policies_in_force.name', 'host_policies.name')
    .innerJoin('policies', (join) =>
      join
        .onRef('policies.name', '=', 'policies_in_force.name')
        .onRef('policies.version', '=', 'policies_in_force.version'),
    )
    .select(({ ref }) => [
      'host_policies.host',
      'policies.version',
      'policies_in_force.since as captured_at',
      'policies_in_force.activated_by as captured_by',
      'policies.digests',
      ref('policies.name').as('note'),
    ])
    .where('host_policies.host', 'in', hosts)
    .execute();
}

/** Some hosts whose boot was judged by another version than the one in force. */
export async function hostsToJudge(db: Database, limit: number): Promise<string[]> {
  const rows = await db
    .selectFrom('host_policies')
    .innerJoin('policies_in_force', 'policies_in_force.name', 'host_policies.name')
    .select('host_policies.host')
    .where((where) =>
      where.or([
        where('host_policies.judged', 'is', null),
        where('host_policies.judged', '!=', where.ref('policies_in_force.version')),
      ]),
    )
    .orderBy('host_policies.host')
    .limit(limit)
    .execute();
  return rows.map(({ host }) => host);
}

export async function setJudged(db: Database, host: string, judged: number): Promise<void> {
  await db.updateTable('host_policies').set({ judged }).where('host', '=', host).execute();
}

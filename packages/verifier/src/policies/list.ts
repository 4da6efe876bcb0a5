import type { PolicyList, PolicyVersion } from '@assay/wire';
import { allPolicies, hostsOfPolicy, policiesInForce, type PolicySummaryRow } from '../store/policies.ts';
import type { Database, PolicyInForceRow } from '../store/schema.ts';

/** All versions, and how many hosts each policy is for. */
export async function listPolicies(db: Database): Promise<PolicyList> {
  const inForce = new Map((await policiesInForce(db)).map((row) => [row.name, row]));
  const policies = (await allPolicies(db)).map((row) => versionOnWire(row, inForce.get(row.name)));
  const hosts: Record<string, number> = {};
  for (const name of inForce.keys()) hosts[name] = (await hostsOfPolicy(db, name)).length;
  return { schema: 'assay.policies.v1', policies, hosts };
}

export function versionOnWire(row: PolicySummaryRow, inForce: PolicyInForceRow | undefined): PolicyVersion {
  return {
    name: row.name,
    version: row.version,
    digest: row.digest,
    digests: row.digests,
    signer: row.signer,
    pushedBy: row.pushed_by,
    pushedAt: row.pushed_at,
    inForceSince: inForce?.version === row.version ? inForce.since : null,
  };
}

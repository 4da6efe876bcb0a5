import type { PolicyList, PolicyVersion } from '@assay/wire';
import { allPolicies, hostsOfPolicy, policiesInForce, rollouts, type PolicySummaryRow } from '../store/policies.ts';
import { policySourceRow } from '../store/policy-source.ts';
import type { Database, PolicyInForceRow } from '../store/schema.ts';
import { signersIn } from './signers.ts';
import { driftOf } from './source/drift.ts';

/** All versions, and how many hosts each policy is for. */
export async function listPolicies(db: Database): Promise<PolicyList> {
  const inForce = new Map((await policiesInForce(db)).map((row) => [row.name, row]));
  const policies = (await allPolicies(db)).map((row) => versionOnWire(row, inForce.get(row.name)));
  const hosts: Record<string, number> = {};
  for (const name of inForce.keys()) hosts[name] = (await hostsOfPolicy(db, name)).length;
  const judged: PolicyList['judged'] = {};
  for (const { name, version, hosts: number } of await rollouts(db)) {
    judged[name] = [...(judged[name] ?? []), { version, hosts: number }];
  }
  return { schema: 'assay.policies.v1', policies, hosts, judged, ...(await sourceOnWire(db)) };
}

const SOON_MILLISECONDS = 14 * 86_400_000;

/** Whether what is in force is good no more, or only for some days. */
export function expiryOf({ valid_until: until }: PolicyInForceRow, now: Date): 'soon' | 'over' | null {
  if (until === null) return null;
  const left = Date.parse(until) - now.getTime();
  if (left < 0) return 'over';
  return left < SOON_MILLISECONDS ? 'soon' : null;
}

async function sourceOnWire(db: Database): Promise<Pick<PolicyList, 'source' | 'managed'>> {
  const row = await policySourceRow(db);
  if (row === undefined) return { source: null, managed: [] };
  const { origin, branch, commit_id: commit, signer, error, error_code: code, failing_since: since } = row;
  const failure = error === null || code === null || since === null ? null : { code, message: error, since };
  return {
    source: { origin, branch, commit, signer, appliedAt: row.applied_at, checkedAt: row.checked_at, failure },
    managed: (await driftOf(db)).map(({ name, version, file, commit_id, drift }) => {
      return { name, version, file, commit: commit_id, drift };
    }),
  };
}

export function versionOnWire(row: PolicySummaryRow, inForce: PolicyInForceRow | undefined): PolicyVersion {
  const isInForce = inForce?.version === row.version;
  return {
    name: row.name,
    version: row.version,
    digest: row.digest,
    digests: row.digests,
    signer: row.signer,
    signers: signersIn(row),
    pushedBy: row.pushed_by,
    pushedAt: row.pushed_at,
    commit: row.commit_id,
    inForceSince: isInForce ? inForce.since : null,
    validUntil: isInForce ? inForce.valid_until : null,
    nextEnd: isInForce && inForce.ends_at !== '' ? inForce.ends_at : null,
  };
}

import { parseReference, type Pool, type ReferenceDocument } from '@assay/core/reference';
import { addPolicyChanges } from '../store/policy-changes.ts';
import { policyBefore } from '../store/policies.ts';
import type { Database, PolicyChangeRow } from '../store/schema.ts';

/** Digests of a whole distribution that changed at once explain nothing. */
const MOST = 200_000;

/** Keeps what the pools of a new version have that those of the version before it had not, and the other way round. */
export async function noteChanges(db: Database, document: ReferenceDocument): Promise<void> {
  const row = await policyBefore(db, document.name, document.version);
  if (row === undefined) return;
  const [old, now] = [poolsOf(parseReference(row.document).document), poolsOf(document)];
  const { name, version } = document;
  const changed = (change: PolicyChangeRow['change'], some: typeof old, others: typeof old): PolicyChangeRow[] =>
    [...some]
      .filter(([digest]) => !others.has(digest))
      .map(([digest, pool]) => ({
        name,
        version,
        digest,
        change,
        kind: pool.kind,
        pool: pool.name,
        pool_version: pool.version ?? null,
      }));
  const rows = [...changed('removed', old, now), ...changed('added', now, old)];
  if (rows.length <= MOST) await addPolicyChanges(db, rows);
}

function poolsOf({ pools }: ReferenceDocument): Map<string, Pool> {
  return new Map(pools.flatMap((pool) => pool.digests.map(({ digest }) => [digest, pool] as const)));
}

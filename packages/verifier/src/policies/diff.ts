import { diffReferences, parseReference } from '@assay/core/reference';
import type { PolicyDiff } from '@assay/wire';
import type { Context } from '../context.ts';
import { RequestProblem } from '../problem.ts';
import { policyInForce, policyOf } from '../store/policies.ts';
import type { Database, PolicyRow } from '../store/schema.ts';

/**
 * What differs between two versions. @param from the version in force where it is not given
 * @throws RequestProblem REQUEST-NOT-FOUND
 */
export async function diffPolicy(
  { database }: Context,
  name: string,
  { from, to }: { readonly from: number | undefined; readonly to: number },
): Promise<PolicyDiff> {
  const first = from ?? (await policyInForce(database, name))?.version;
  if (first === undefined) {
    throw new RequestProblem('REQUEST-NOT-FOUND', `No version of ${name} is in force: say which to compare with.`);
  }
  const [before, after] = [await versionNamed(database, name, first), await versionNamed(database, name, to)];
  const [old, now] = [before, after].map((row) => parseReference(row.document).document);
  if (old === undefined || now === undefined) throw new Error('two versions are compared');
  const { pools, rules } = diffReferences(old, now);
  return {
    schema: 'assay.policy-diff.v1',
    name,
    from: first,
    to,
    pools: pools.map((pool) => ({ ...pool, before: [...pool.before], after: [...pool.after] })),
    rules: [...rules],
  };
}

/** @throws RequestProblem REQUEST-NOT-FOUND */
export async function versionNamed(db: Database, name: string, version: number): Promise<PolicyRow> {
  const row = await policyOf(db, name, version);
  if (row !== undefined) return row;
  throw new RequestProblem('REQUEST-NOT-FOUND', `There is no version ${version} of ${name}.`);
}

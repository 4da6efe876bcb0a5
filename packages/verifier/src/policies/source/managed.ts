import { RequestProblem } from '../../problem.ts';
import { managedPolicy, policySourceRow } from '../../store/policy-source.ts';
import type { Database } from '../../store/schema.ts';

/** What comes from a source is changed there, and nowhere else. @throws RequestProblem POLICY-MANAGED */
export async function refuseManaged(db: Database, name: string): Promise<void> {
  const managed = await managedPolicy(db, name);
  if (managed === undefined) return;
  const source = await policySourceRow(db);
  const where = source?.branch === undefined || source.branch === null ? '' : `, branch ${source.branch}`;
  throw new RequestProblem(
    'POLICY-MANAGED',
    `${name} comes from ${source?.origin ?? 'a source'}${where}: change ${managed.file} there.`,
  );
}

import { RequestProblem } from '../problem.ts';
import { hostByIdOrName } from '../store/hosts.ts';
import type { Database, HostRow } from '../store/schema.ts';

/** @throws RequestProblem REQUEST-NOT-FOUND */
export async function hostNamed(db: Database, idOrName: string): Promise<HostRow> {
  const row = await hostByIdOrName(db, idOrName);
  if (row === undefined) throw new RequestProblem('REQUEST-NOT-FOUND', `No host has the id or name ${idOrName}.`);
  return row;
}

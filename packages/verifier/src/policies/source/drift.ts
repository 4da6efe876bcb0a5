import { z } from 'zod';
import { allHostIds, hostByIdOrName } from '../../store/hosts.ts';
import { hostsOfPolicy, policiesInForce } from '../../store/policies.ts';
import { managedPolicies } from '../../store/policy-source.ts';
import type { Database, ManagedPolicyRow } from '../../store/schema.ts';

export interface Drift extends ManagedPolicyRow {
  /** What is not as the source has it; null where all is. */
  readonly drift: string | null;
  /** Ids of hosts that it is for by the source, and that are judged otherwise. */
  readonly missing: readonly string[];
}

const Hosts = z.union([z.array(z.string()), z.literal('all')]);

/** How what is in force differs from what the source has. Hosts that are not enrolled yet are none that differ. */
export async function driftOf(db: Database): Promise<Drift[]> {
  const inForce = new Map((await policiesInForce(db)).map((row) => [row.name, row.version]));
  const drifts: Drift[] = [];
  for (const row of await managedPolicies(db)) {
    const has = new Set(await hostsOfPolicy(db, row.name));
    const missing = (await wantedHosts(db, row)).filter((id) => !has.has(id));
    drifts.push({ ...row, missing, drift: driftText(row, inForce.get(row.name), missing) });
  }
  return drifts;
}

async function wantedHosts(db: Database, { hosts }: ManagedPolicyRow): Promise<string[]> {
  const wanted = Hosts.parse(JSON.parse(hosts));
  if (wanted === 'all') return allHostIds(db);
  const ids: string[] = [];
  for (const name of wanted) {
    const host = await hostByIdOrName(db, name);
    if (host !== undefined) ids.push(host.id);
  }
  return ids;
}

function driftText({ version }: ManagedPolicyRow, inForce: number | undefined, missing: readonly string[]) {
  if (inForce === undefined) return `version ${version} is not in force`;
  if (inForce !== version) return `version ${inForce} is in force instead of ${version}`;
  if (missing.length === 0) return null;
  return missing.length === 1 ? 'one host is judged otherwise' : `${missing.length} hosts are judged otherwise`;
}

import { nodeHasher } from '@assay/core/node';
import { Simulator } from '@assay/core/verdict';
import type { PolicySimulation } from '@assay/wire';
import type { Context } from '../context.ts';
import { keptOf } from '../hosts/kept.ts';
import { entriesOf } from '../rounds/measurements.ts';
import { allHostIds, hostById } from '../store/hosts.ts';
import { listOf } from '../store/lists.ts';
import { hostsOfPolicy, lockPolicyInForce } from '../store/policies.ts';
import { roundsOf } from '../store/rounds.ts';
import type { Database } from '../store/schema.ts';

/** What a version would make of the present boots of the hosts that its policy is for; of all hosts while it is for none. */
export async function simulatePolicy(
  db: Database,
  context: Context,
  name: string,
  version: number,
): Promise<PolicySimulation> {
  const inForce = await lockPolicyInForce(db, name);
  const before = inForce === undefined ? null : await context.references.policy(db, name, inForce.version);
  const after = await context.references.candidate(db, name, version);
  const simulator = new Simulator({ before, after, at: context.now(), hasher: nodeHasher });
  const assigned = await hostsOfPolicy(db, name);
  for (const id of assigned.length === 0 ? await allHostIds(db) : assigned) {
    const host = await hostById(db, id);
    const [round] = await roundsOf(db, [id]);
    const kept = round === undefined ? null : keptOf(round);
    if (host === undefined || host.boot === null || kept === null) continue;
    simulator.add({ host: host.name, entries: entriesOf(await listOf(db, host.boot, 1, kept.state.entries)) });
  }
  const { hosts, changes, unused, excludes } = simulator.result();
  return {
    schema: 'assay.policy-simulation.v1',
    hosts: [...hosts],
    changes: changes.map((change) => ({ ...change, hosts: [...change.hosts] })),
    unused: [...unused],
    excludes: [...excludes],
  };
}

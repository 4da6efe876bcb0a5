import type { Explanation } from '@assay/core/verdict';
import { APPROVABLE } from '../policies/approvable.ts';
import type { Spread } from '../store/findings.ts';
import { countHosts } from '../store/hosts.ts';
import { policyInForceFor } from '../store/policies.ts';
import type { Database, FindingRow } from '../store/schema.ts';

/** So many hosts tell an update that was rolled out from an attack on one. */
const ROLLED_OUT = 3;

/** What the other hosts tell of the cause of a finding. */
export async function fleetCauses(db: Database, row: FindingRow, spread: Spread): Promise<Explanation[]> {
  if (row.digest === null || !APPROVABLE.has(row.code)) return [];
  const hosts = await countHosts(db);
  if (spread.hosts >= ROLLED_OUT) {
    const cause = `The same digest is open on ${spread.hosts} of ${hosts} hosts: something was rolled out to them.`;
    return [{ cause, confidence: 'medium' }];
  }
  if (spread.hosts !== 1 || hosts < ROLLED_OUT) return [];
  return [
    { cause: `It is open on this host alone of ${hosts}: nothing was rolled out to the others.`, confidence: 'low' },
  ];
}

/** Commands that ask the fleet, and accept what was found in the way in which this host's reference values come. */
export async function fleetCommands(db: Database, row: FindingRow, next: readonly string[]): Promise<string[]> {
  if (row.digest === null || !APPROVABLE.has(row.code)) return [...next];
  const asks = [`assay digest who ${row.digest}`];
  if ((await policyInForceFor(db, row.host)) === undefined) return [...next, ...asks];
  // What is captured for a host that has a policy is refused.
  const others = next.filter((command) => !command.startsWith('assay reference capture'));
  return [...others, ...asks, `assay findings approve F-${row.seq}`];
}

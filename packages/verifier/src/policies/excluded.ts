import { setImmediate as pause } from 'node:timers/promises';
import { digestText, filenameHint } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { decide } from '@assay/core/reference';
import type { ExcludedList } from '@assay/wire';
import type { Context } from '../context.ts';
import { RequestProblem } from '../problem.ts';
import { hostsOfPolicy, policyInForce } from '../store/policies.ts';
import { recordedBoots } from '../store/recorded.ts';
import { KnownEntries } from './simulate.ts';

type Excluded = ExcludedList['entries'][number];

/**
 * What excludes of the version in force let through in the present boots: nothing says that it is good.
 * @throws RequestProblem REQUEST-NOT-FOUND
 */
export async function excludedEntries(context: Context, name: string): Promise<ExcludedList> {
  const { database: db, references } = context;
  const inForce = await policyInForce(db, name);
  if (inForce === undefined) throw new RequestProblem('REQUEST-NOT-FOUND', `No version of ${name} is in force.`);
  const values = await references.policy(db, name, inForce.version);
  const known = new KnownEntries(db);
  const found = new Map<string, Omit<Excluded, 'hosts'> & { readonly hosts: Set<string> }>();
  for (const host of await hostsOfPolicy(db, name)) {
    const [boot] = await recordedBoots(db, host, 'present', 1);
    for (const entry of boot === undefined ? [] : await known.of(boot.id)) {
      const decision = decide(values, entry, nodeHasher, context.now());
      if (decision.status !== 'excluded') continue;
      const [digest, path] = [digestText(entry.fields.digest), filenameHint(entry.fields)];
      const key = `${digest} ${path}`;
      const { pattern, reason, owner, expires } = decision.exclude;
      const row = found.get(key) ?? { pattern, reason, owner, expires, digest, path, hosts: new Set<string>() };
      row.hosts.add(boot?.name ?? host);
      found.set(key, row);
    }
    await pause();
  }
  const entries = Array.from(found.values(), (row) => ({ ...row, hosts: [...row.hosts].toSorted() }));
  const { version } = inForce;
  return {
    schema: 'assay.policy-excluded.v1',
    name,
    version,
    entries: entries.toSorted((a, b) => (a.path < b.path ? -1 : 1)),
  };
}

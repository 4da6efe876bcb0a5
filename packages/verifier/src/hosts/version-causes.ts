import { isLibrary, poolText, type Explanation } from '@assay/core/verdict';
import { policyInForceFor } from '../store/policies.ts';
import { policyChangesOf } from '../store/policy-changes.ts';
import type { Database, FindingRow, PolicyChangeRow } from '../store/schema.ts';

/** What versions of policies tell of a digest that the one in force does not have: it is older, or newer. */
export async function versionCauses(
  db: Database,
  { host, digest, filename_hint: path }: Pick<FindingRow, 'host' | 'digest' | 'filename_hint'>,
): Promise<Explanation[]> {
  const changes = digest === null ? [] : await policyChangesOf(db, digest);
  const [newest] = changes;
  if (newest === undefined) return [];
  const inForce = await policyInForceFor(db, host);
  const own = changes.filter(({ name }) => name === inForce?.name);
  const before = own.find(({ version, change }) => change === 'removed' && version <= (inForce?.version ?? 0));
  if (before !== undefined) return [{ cause: olderText(before, path ?? ''), confidence: 'high' }];
  const after = own.find(({ version, change }) => change === 'added' && version > (inForce?.version ?? 0));
  if (after !== undefined) return [{ cause: newerText(after), confidence: 'high' }];
  const other = changes.find(({ change }) => change === 'added');
  return other === undefined ? [] : [{ cause: otherText(other), confidence: 'medium' }];
}

function olderText(change: PolicyChangeRow, path: string): string {
  const what = `It is of ${text(change)}, which version ${change.version} of ${change.name} replaced or left out`;
  return isLibrary(path)
    ? `${what}: a program that was started before the upgrade still uses it, or the host is not upgraded. Restart it.`
    : `${what}: the host is not upgraded, or went back.`;
}

function newerText(change: PolicyChangeRow): string {
  return `It is of ${text(change)}, which version ${change.version} of ${change.name} has; that is not in force yet.`;
}

function otherText(change: PolicyChangeRow): string {
  return `It is of ${text(change)} in version ${change.version} of ${change.name}, which is not for this host.`;
}

function text({ kind, pool, pool_version: version }: PolicyChangeRow): string {
  return poolText({ kind, name: pool, ...(version === null ? {} : { version }) });
}

import type { HostLine } from '@assay/wire';
import { trustOf } from '../hosts/admission.ts';
import { labelsIn } from './labels.ts';
import type { Database } from './schema.ts';

/** Values of one `in (…)`; SQLite takes 32,766 variables. */
const AT_ONCE = 1000;

function lines(db: Database) {
  return db
    .selectFrom('hosts')
    .leftJoin('rounds', 'rounds.host', 'hosts.id')
    .leftJoin('boots', 'boots.id', 'hosts.boot')
    .leftJoin('host_policies', 'host_policies.host', 'hosts.id')
    .leftJoin('host_labels', 'host_labels.host', 'hosts.id')
    .leftJoin('policies_in_force', 'policies_in_force.name', 'host_policies.name')
    .select([
      'hosts.id',
      'hosts.name',
      'hosts.verdict',
      'hosts.verdict_since',
      'hosts.tpm_kind',
      'hosts.list_source',
      'hosts.kernel',
      'hosts.endorsement',
      'hosts.ak_certificate',
      'hosts.admission',
      'hosts.boot',
      'hosts.reference_version',
      'rounds.evidence_at',
      'host_labels.labels',
      'boots.entries',
      'boots.violations',
      'policies_in_force.name as policy',
      'policies_in_force.version',
    ]);
}

type Row = Awaited<ReturnType<ReturnType<typeof lines>['execute']>>[number];

/** Lines of hosts in the order of their names. */
export async function hostLinesAfter(db: Database, name: string | undefined, limit: number): Promise<HostLine[]> {
  const query = lines(db).orderBy('hosts.name').limit(limit);
  return withFindings(db, await (name === undefined ? query : query.where('hosts.name', '>', name)).execute());
}

export async function hostLinesOf(db: Database, hosts: readonly string[]): Promise<HostLine[]> {
  const found: HostLine[] = [];
  for (const ids of batches(hosts)) {
    found.push(...(await withFindings(db, await lines(db).where('hosts.id', 'in', ids).execute())));
  }
  return found;
}

async function withFindings(db: Database, rows: readonly Row[]): Promise<HostLine[]> {
  const counts = new Map<string, HostLine['findings']>();
  for (const hosts of batches(rows.map(({ id }) => id))) await countFindings(db, hosts, counts);
  return rows.map((row) => lineOf(row, counts.get(row.id) ?? { failed: 0, warning: 0, code: null }));
}

/** How many findings are open, and the code of one of the gravest. */
async function countFindings(
  db: Database,
  hosts: readonly string[],
  counts: Map<string, HostLine['findings']>,
): Promise<void> {
  const rows = await db
    .selectFrom('findings')
    .select(({ fn }) => ['host', 'severity', fn.countAll<number>().as('count'), fn.min<string>('code').as('code')])
    .where('host', 'in', hosts)
    .where('open', '=', 1)
    .groupBy(['host', 'severity'])
    .orderBy('severity')
    .execute();
  for (const { host, severity, count, code } of rows) {
    const known = counts.get(host) ?? { failed: 0, warning: 0, code };
    counts.set(host, { ...known, [severity]: count });
  }
}

function lineOf(row: Row, findings: HostLine['findings']): HostLine {
  return {
    id: row.id,
    name: row.name,
    verdict: row.verdict,
    verdictSince: row.verdict_since,
    evidenceAt: row.evidence_at,
    tpm: { kind: row.tpm_kind, trust: trustOf(row) },
    source: row.list_source,
    kernel: row.kernel,
    labels: row.labels === null ? {} : labelsIn(row.labels),
    boot: row.boot,
    entries: row.entries ?? 0,
    violations: row.violations ?? 0,
    reference: referenceOf(row),
    findings,
  };
}

/** A policy goes before what was captured. */
function referenceOf({ policy, version, reference_version: captured }: Row): HostLine['reference'] {
  if (policy !== null && version !== null) return { policy, version };
  return captured === null ? null : { policy: null, version: captured };
}

function* batches<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += AT_ONCE) yield items.slice(start, start + AT_ONCE);
}

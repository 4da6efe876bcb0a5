import type { FleetDocument, Verdict } from '@assay/wire';
import type { Database } from './schema.ts';

export interface FleetCounts {
  readonly hosts: ReadonlyMap<Verdict, number>;
  readonly findings: readonly { readonly code: string; readonly severity: string; readonly count: number }[];
  /** Open alerts, and messages on their way. */
  readonly alerts: number;
  readonly deliveries: number;
  /** Time of the oldest evidence of a host that is not stale. */
  readonly oldestEvidence: string | null;
}

export async function fleetCounts(db: Database): Promise<FleetCounts> {
  const hosts = await db
    .selectFrom('hosts')
    .select(({ fn }) => ['verdict', fn.countAll<number>().as('count')])
    .groupBy('verdict')
    .execute();
  const findings = await db
    .selectFrom('findings')
    .select(({ fn }) => ['code', 'severity', fn.countAll<number>().as('count')])
    .where('open', '=', 1)
    .groupBy(['code', 'severity'])
    .orderBy('code')
    .execute();
  const { alerts } = await db
    .selectFrom('alerts')
    .select(({ fn }) => fn.countAll<number>().as('alerts'))
    .where('resolved_at', 'is', null)
    .executeTakeFirstOrThrow();
  const { deliveries } = await db
    .selectFrom('deliveries')
    .select(({ fn }) => fn.countAll<number>().as('deliveries'))
    .where('ended_at', 'is', null)
    .executeTakeFirstOrThrow();
  const { oldest } = await db
    .selectFrom('rounds')
    .innerJoin('hosts', 'hosts.id', 'rounds.host')
    .select(({ fn }) => fn.min<string | null>('rounds.evidence_at').as('oldest'))
    .where('hosts.verdict', '!=', 'stale')
    .executeTakeFirstOrThrow();
  const byVerdict = new Map(hosts.map(({ verdict, count }) => [verdict, count]));
  return { hosts: byVerdict, findings, alerts, deliveries, oldestEvidence: oldest };
}

/** Each policy in force, and how many of its hosts were judged by that version. */
export async function policyRollOut(db: Database): Promise<FleetDocument['policies']> {
  const rows = await db
    .selectFrom('policies_in_force')
    .leftJoin('host_policies', 'host_policies.name', 'policies_in_force.name')
    .select(({ fn, ref, eb }) => [
      'policies_in_force.name',
      'policies_in_force.version',
      'policies_in_force.since',
      'policies_in_force.activated_by',
      fn.count<number>('host_policies.host').as('hosts'),
      fn
        .sum<number | string | null>(
          eb.case().when('host_policies.judged', '=', ref('policies_in_force.version')).then(1).else(0).end(),
        )
        .as('judged'),
    ])
    .groupBy([
      'policies_in_force.name',
      'policies_in_force.version',
      'policies_in_force.since',
      'policies_in_force.activated_by',
    ])
    .orderBy('policies_in_force.name')
    .execute();
  return rows.map(({ activated_by: activatedBy, judged, ...row }) => ({
    ...row,
    activatedBy,
    judged: Number(judged ?? 0),
  }));
}

/** Hosts without a policy: those with values captured from themselves, and those with nothing. */
export async function referenceCounts(db: Database): Promise<Pick<FleetDocument, 'captured' | 'withoutReference'>> {
  const { captured, hosts } = await db
    .selectFrom('hosts')
    .leftJoin('host_policies', 'host_policies.host', 'hosts.id')
    .select(({ fn }) => [
      fn.count<number>('hosts.reference_version').as('captured'),
      fn.count<number>('hosts.id').as('hosts'),
    ])
    .where('host_policies.host', 'is', null)
    .executeTakeFirstOrThrow();
  return { captured, withoutReference: hosts - captured };
}

/** Whether the store answers. */
export async function isAnswering(db: Database): Promise<boolean> {
  try {
    await db.selectFrom('hosts').select('id').limit(1).execute();
    return true;
  } catch {
    return false;
  }
}

import type { Verdict } from '@assay/wire';
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

/** Whether the store answers. */
export async function isAnswering(db: Database): Promise<boolean> {
  try {
    await db.selectFrom('hosts').select('id').limit(1).execute();
    return true;
  } catch {
    return false;
  }
}

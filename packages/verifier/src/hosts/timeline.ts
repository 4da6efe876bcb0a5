import type { HostTimeline } from '@assay/wire';
import { verdictChangesOf } from '../store/history.ts';
import { policyInForceFor } from '../store/policies.ts';
import type { Database, HostRow } from '../store/schema.ts';
import { arrivalsOf, bootsOf, capturesOf, findingsThatWere, keyRenewalsOf } from '../store/timeline.ts';

/** Of each kind; older ones are in the store. */
const MOST = 500;
const BOOTS_MOST = 50;

/** What happened to a host. */
export async function timelineOf(db: Database, host: HostRow): Promise<HostTimeline> {
  const boots = await bootsOf(db, host.id, BOOTS_MOST);
  const bootIds = boots.map(({ id }) => id);
  const policy = await policyInForceFor(db, host.id);
  return {
    schema: 'assay.host-timeline.v1',
    enrolledAt: host.enrolled_at,
    verdicts: (await verdictChangesOf(db, host.id, MOST)).map(({ at, verdict, sentence, boot, entries }) => ({
      at,
      verdict,
      sentence,
      boot,
      entries,
    })),
    boots: boots.map(({ id, reset_count, restart_count, since, until, entries, violations }) => ({
      id,
      resetCount: reset_count,
      restartCount: restart_count,
      since,
      until,
      entries,
      violations,
    })),
    arrivals: await arrivalsOf(db, bootIds, MOST),
    captures: (await capturesOf(db, host.id, MOST)).map(({ captured_at: at, version, digests, note }) => ({
      at,
      version,
      digests,
      note,
    })),
    policy:
      policy === undefined
        ? null
        : { name: policy.name, version: policy.version, since: policy.since, activatedBy: policy.activated_by },
    keys: (await keyRenewalsOf(db, host.id, MOST)).map(({ at, name, reason, asked_by: by }) => ({
      at,
      name,
      reason,
      by,
    })),
    findings: (await findingsThatWere(db, host.id, MOST)).map((row) => ({
      id: `F-${row.seq}`,
      code: row.code,
      severity: row.severity,
      sentence: row.sentence,
      from: row.first_seen,
      until: row.open === 1 ? null : (row.resolved_at ?? row.last_seen),
    })),
  };
}

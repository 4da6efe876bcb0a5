import { verdictOf } from '@assay/core/verdict';
import type { HostSummary } from '@assay/wire';
import type { Context } from '../context.ts';
import { hostById, hostsToExpire, updateHost } from '../store/hosts.ts';
import type { Database, HostRow } from '../store/schema.ts';
import { openFindings, stateOf, type HostState } from './facts.ts';
import { summaryOf } from './summary.ts';

/** Gives the host the verdict that follows from what is stored of it, and notes since when it has it. */
export async function renewVerdict(db: Database, context: Context, hostId: string): Promise<HostState> {
  const row = await hostById(db, hostId);
  if (row === undefined) throw new Error(`host ${hostId} is not in the store`);
  const state = await stateOf(db, row);
  const change = verdictChange(state, context);
  if (change === null) return state;
  await updateHost(db, hostId, change);
  return { ...state, host: { ...row, ...change } };
}

function verdictChange(
  state: HostState,
  context: Context,
): Pick<HostRow, 'verdict' | 'sentence' | 'verdict_since'> | null {
  const { host, boot, reference } = state;
  const now = context.now();
  const { verdict, sentence } = verdictOf({
    now,
    evidenceAt: host.evidence_at === null ? null : new Date(host.evidence_at),
    staleAfterSeconds: context.staleAfterSeconds,
    entries: boot?.entries ?? 0,
    reference,
    openFindings: openFindings(state.findings),
  });
  if (verdict === host.verdict && sentence === host.sentence) return null;
  const verdictSince = verdict === host.verdict ? host.verdict_since : now.toISOString();
  return { verdict, sentence, verdict_since: verdictSince };
}

/**
 * Gives hosts whose evidence grew old their new verdict; called by a timer and before verdicts are read, so that no
 * answer shows a verdict that time has overtaken.
 */
export async function expireVerdicts(context: Context): Promise<void> {
  const { database, staleAfterSeconds } = context;
  const oldest = new Date(context.now().getTime() - staleAfterSeconds * 1000).toISOString();
  const changed: HostSummary[] = [];
  for (const { id } of await hostsToExpire(database, oldest)) {
    const state = await database.transaction().execute((db) => renewVerdict(db, context, id));
    changed.push(summaryOf(state, staleAfterSeconds));
  }
  context.publish(changed.map((host) => ({ type: 'host', host })));
}

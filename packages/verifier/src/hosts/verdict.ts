import { verdictOf } from '@assay/core/verdict';
import type { Context } from '../context.ts';
import { transact } from '../news/news.ts';
import { hostById, hostsToExpire, updateHost } from '../store/hosts.ts';
import { noteVerdict } from '../store/history.ts';
import { lockRounds } from '../store/rounds.ts';
import type { Database, HostRow } from '../store/schema.ts';
import { openFindings, stateOf, type HostState } from './facts.ts';

/** Hosts per transaction: when a network fails, all grow old at once. */
const EXPIRED_AT_ONCE = 100;

/** Gives the host the verdict that follows from what is stored of it, and notes since when it has it. */
export async function renewVerdict(db: Database, context: Context, hostId: string): Promise<HostState> {
  const row = await hostById(db, hostId);
  if (row === undefined) throw new Error(`host ${hostId} is not in the store`);
  const state = await stateOf(db, row);
  const change = verdictChange(state, context);
  if (change === null) return state;
  await updateHost(db, hostId, change);
  if (change.verdict !== row.verdict || row.sentence === '') await noteChange(db, state, change);
  return { ...state, host: { ...row, ...change } };
}

/** What a host's verdict was is kept for its history; the first one has none before it. */
async function noteChange(
  db: Database,
  { host, boot }: HostState,
  { verdict, sentence, verdict_since: at }: Pick<HostRow, 'verdict' | 'sentence' | 'verdict_since'>,
): Promise<void> {
  const before = host.sentence === '' ? null : host.verdict;
  await noteVerdict(db, { host: host.id, at, before, verdict, sentence, boot: host.boot, entries: boot?.entries ?? 0 });
}

function verdictChange(
  state: HostState,
  context: Context,
): Pick<HostRow, 'verdict' | 'sentence' | 'verdict_since'> | null {
  const { host, round, boot, reference } = state;
  const now = context.now();
  const { verdict, sentence } = verdictOf({
    now,
    evidenceAt: round.evidence_at === null ? null : new Date(round.evidence_at),
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
  const expired = await hostsToExpire(database, oldest);
  for (let start = 0; start < expired.length; start += EXPIRED_AT_ONCE) {
    const hosts = expired.slice(start, start + EXPIRED_AT_ONCE);
    await transact(context, async (db) => {
      const there = (await lockRounds(db, hosts)).map(({ host }) => host); // One may have been removed meanwhile.
      for (const host of there) await renewVerdict(db, context, host);
      return { result: undefined, changes: there.map((host) => ({ type: 'host', host })) };
    });
  }
}

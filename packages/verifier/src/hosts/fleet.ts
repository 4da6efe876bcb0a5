import { HISTORY_STEP_SECONDS, type FleetDocument, type Verdict } from '@assay/wire';
import type { Context } from '../context.ts';
import { hostsWith, openCauses, type OpenCause } from '../store/alerts.ts';
import { fleetCounts, policyRollOut, referenceCounts } from '../store/counts.ts';
import { verdictMovesSince, type VerdictMoves } from '../store/history.ts';
import type { Database } from '../store/schema.ts';

const STEP_MILLISECONDS = HISTORY_STEP_SECONDS * 1000;
/** A day and the step that has begun. */
const STEPS = 86_400 / HISTORY_STEP_SECONDS + 1;
const CAUSES_SHOWN = 12;
const NAMES_SHOWN = 4;

type Counts = Readonly<Record<Verdict, number>>;

/** The fleet in one answer, as many statements for many hosts as for one. */
export async function fleetOf(
  context: Context,
  verifier: Pick<FleetDocument['verifier'], 'version' | 'startedAt' | 'lateSeconds'>,
): Promise<FleetDocument> {
  const { database, heartbeatSeconds, staleAfterSeconds } = context;
  const now = context.now();
  const { hosts } = await fleetCounts(database);
  const verdicts = byVerdict((verdict) => hosts.get(verdict) ?? 0);
  const begun = Math.floor(now.getTime() / STEP_MILLISECONDS) * STEP_MILLISECONDS;
  const from = new Date(begun - (STEPS - 1) * STEP_MILLISECONDS);
  const moves = await verdictMovesSince(database, from.toISOString());
  const causes = await openCauses(database, now.toISOString());
  return {
    schema: 'assay.fleet.v1',
    at: now.toISOString(),
    hosts: Object.values(verdicts).reduce((sum, count) => sum + count, 0),
    verdicts,
    history: {
      from: from.toISOString(),
      stepSeconds: HISTORY_STEP_SECONDS,
      verdicts: historyOf(verdicts, moves, from),
    },
    causes: await shownCauses(database, causes),
    causesInAll: causes.length,
    verifier: { ...verifier, heartbeatSeconds, staleAfterSeconds },
    policies: await policyRollOut(database),
    ...(await referenceCounts(database)),
  };
}

function byVerdict<Value>(value: (verdict: Verdict) => Value): Record<Verdict, Value> {
  return {
    trusted: value('trusted'),
    warning: value('warning'),
    failed: value('failed'),
    stale: value('stale'),
    unverified: value('unverified'),
    pending: value('pending'),
  };
}

/** From the present counts back: what moved in a step had not moved before it. */
function historyOf(now: Counts, moves: readonly VerdictMoves[], from: Date): Record<Verdict, number[]> {
  const byStep = Map.groupBy(moves, ({ tenMinutes }) => stepOf(tenMinutes, from));
  const newestFirst: Counts[] = [];
  let counts = now;
  for (let step = STEPS - 1; step >= 0; step--) {
    newestFirst.push(counts);
    counts = before(counts, byStep.get(step) ?? []);
  }
  const oldestFirst = newestFirst.toReversed();
  return byVerdict((verdict) => oldestFirst.map((at) => at[verdict]));
}

const stepOf = (tenMinutes: string, from: Date): number =>
  Math.floor((Date.parse(`${tenMinutes}0:00.000Z`) - from.getTime()) / STEP_MILLISECONDS);

function before(counts: Counts, moves: readonly VerdictMoves[]): Counts {
  const moved = (verdict: Verdict): number =>
    moves.reduce(
      (sum, move) => sum + (move.before === verdict ? move.hosts : 0) - (move.verdict === verdict ? move.hosts : 0),
      0,
    );
  return byVerdict((verdict) => Math.max(0, counts[verdict] + moved(verdict)));
}

/** The gravest first, then what most hosts have. */
async function shownCauses(db: Database, causes: readonly OpenCause[]): Promise<FleetDocument['causes']> {
  const ordered = causes.toSorted(
    (a, b) =>
      Number(a.acknowledged) - Number(b.acknowledged) ||
      a.severity.localeCompare(b.severity) ||
      b.hosts - a.hosts ||
      b.lastSeen.localeCompare(a.lastSeen),
  );
  const shown: FleetDocument['causes'] = [];
  for (const cause of ordered.slice(0, CAUSES_SHOWN)) {
    const { code, severity, subject, sentence, hosts, firstSeen, lastSeen, acknowledged } = cause;
    const hostNames = await hostsWith(db, cause, NAMES_SHOWN);
    shown.push({ code, severity, subject, sentence, hosts, hostNames, firstSeen, lastSeen, acknowledged });
  }
  return shown;
}

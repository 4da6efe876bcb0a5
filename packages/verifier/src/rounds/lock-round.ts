import { RequestProblem } from '../problem.ts';
import { lockRounds } from '../store/rounds.ts';
import type { Database, RoundRow } from '../store/schema.ts';

/**
 * Where the rounds of a host stand, locked until this transaction ends.
 * @throws RequestProblem REQUEST-UNAUTHENTICATED where the host was removed since its token was looked at
 */
export async function lockRound(db: Database, host: string): Promise<RoundRow> {
  const [round] = await lockRounds(db, [host]);
  if (round === undefined) throw agentIsGone();
  return round;
}

export function agentIsGone(): RequestProblem {
  return new RequestProblem('REQUEST-UNAUTHENTICATED', 'The bearer token is not of an agent any more: enrol again.');
}

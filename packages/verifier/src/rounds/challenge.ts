import { randomBytes } from 'node:crypto';
import type { Challenge } from '@assay/wire';
import type { Context } from '../context.ts';
import { LAST_QUOTED_PCR, selectionTo } from '../hosts/kept.ts';
import { withChallenge } from '../store/challenges.ts';
import { saveRounds } from '../store/rounds.ts';
import type { RoundRow } from '../store/schema.ts';
import { lockRound } from './lock-round.ts';

const LIFETIME_MILLISECONDS = 2 * 60 * 1000;
const NONCE_BYTES = 32;
const SESSION_BYTES = 32;

const SELECTION: Challenge['selection'] = selectionTo(LAST_QUOTED_PCR);

/** The place in the list from which a host shall send. */
export interface ListPlace {
  readonly fromEntry: number;
  readonly fromOffset: number;
}

export const WHOLE_LIST: ListPlace = { fromEntry: 1, fromOffset: 0 };

/**
 * A question to the host that it can answer once.
 * @param from where the list shall begin; otherwise where the kept state ends
 * @returns the question, and the row that remembers it
 */
export function issueChallenge(
  context: Pick<Context, 'now'>,
  row: RoundRow,
  from: ListPlace = nextPlace(row),
): { row: RoundRow; challenge: Challenge } {
  // In one: a call for random bytes takes longer than the bytes.
  const random = randomBytes(NONCE_BYTES + SESSION_BYTES);
  const nonce = random.toString('hex', 0, NONCE_BYTES);
  const session = random.toString('base64url', NONCE_BYTES);
  const expiresAt = new Date(context.now().getTime() + LIFETIME_MILLISECONDS).toISOString();
  return {
    row: withChallenge(row, { session, nonce, expiresAt, lastPcr: LAST_QUOTED_PCR }),
    challenge: {
      session,
      nonce,
      expiresAt,
      selection: SELECTION,
      list: { ...from },
      ...(row.boot_log === 0 ? { eventLog: true } : {}),
    },
  };
}

/** For a host whose last challenge expired. @throws RequestProblem REQUEST-UNAUTHENTICATED */
export async function askAgain(context: Context, host: string): Promise<Challenge> {
  return context.database.transaction().execute(async (db) => {
    const { row, challenge } = issueChallenge(context, await lockRound(db, host));
    await saveRounds(db, [row]);
    return challenge;
  });
}

function nextPlace({ entries, bytes }: RoundRow): ListPlace {
  return entries === null || bytes === null ? WHOLE_LIST : { fromEntry: entries + 1, fromOffset: bytes };
}

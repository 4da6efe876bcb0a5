import { randomBytes } from 'node:crypto';
import { toHex } from '@assay/core/bytes';
import type { Challenge } from '@assay/wire';
import type { Context } from '../context.ts';
import { keptState } from '../store/boots.ts';
import { addChallenge } from '../store/challenges.ts';
import type { Database } from '../store/schema.ts';
import { newToken } from '../tokens.ts';

const LIFETIME_MILLISECONDS = 2 * 60 * 1000;
const NONCE_BYTES = 32;

/** PCR 0 to 9 are what boot_aggregate covers, PCR 10 is the list's. */
export const SELECTION: Challenge['selection'] = { bank: 'sha256', pcrs: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10] };

/** The place in the list from which a host shall send. */
export interface ListPlace {
  readonly fromEntry: number;
  readonly fromOffset: number;
}

export const WHOLE_LIST: ListPlace = { fromEntry: 1, fromOffset: 0 };

/**
 * A question to the host that it can answer once.
 * @param from where the list shall begin; otherwise where the kept state ends
 */
export async function issueChallenge(
  db: Database,
  context: Context,
  host: string,
  from?: ListPlace,
): Promise<Challenge> {
  const nonce = randomBytes(NONCE_BYTES);
  const session = newToken();
  const expiresAt = new Date(context.now().getTime() + LIFETIME_MILLISECONDS).toISOString();
  await addChallenge(db, { session, host, nonce, expires_at: expiresAt });
  const list = from ?? (await nextPlace(db, host));
  return { session, nonce: toHex(nonce), expiresAt, selection: SELECTION, list };
}

async function nextPlace(db: Database, host: string): Promise<ListPlace> {
  const kept = await keptState(db, host);
  return kept === undefined ? WHOLE_LIST : { fromEntry: kept.entries + 1, fromOffset: kept.bytes };
}

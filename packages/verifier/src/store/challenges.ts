import type { ChallengeRow, Database } from './schema.ts';

/** Most challenges of one host that wait for their answer; the oldest give way. */
const OUTSTANDING_LIMIT = 8;

export async function addChallenge(db: Database, row: Omit<ChallengeRow, 'seq'>): Promise<void> {
  await db.insertInto('challenges').values(row).execute();
  const kept = db
    .selectFrom('challenges')
    .select('seq')
    .where('host', '=', row.host)
    .orderBy('seq', 'desc')
    .limit(OUTSTANDING_LIMIT);
  await db.deleteFrom('challenges').where('host', '=', row.host).where('seq', 'not in', kept).execute();
}

/**
 * Takes the challenge out of the store, so that it is answered once.
 * @returns undefined when this host has no such challenge, or it has expired
 */
export async function takeChallenge(
  db: Database,
  host: string,
  session: string,
  now: string,
): Promise<ChallengeRow | undefined> {
  const row = await db
    .deleteFrom('challenges')
    .where('session', '=', session)
    .where('host', '=', host)
    .returningAll()
    .executeTakeFirst();
  return row !== undefined && row.expires_at > now ? row : undefined;
}

/** Those of an earlier attestation key are void. */
export async function dropChallenges(db: Database, host: string): Promise<void> {
  await db.deleteFrom('challenges').where('host', '=', host).execute();
}

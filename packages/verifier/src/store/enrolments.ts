import type { Database, EnrolmentRow } from './schema.ts';

/** Most enrolments that wait for their answer at one time; the oldest give way. */
const PENDING_LIMIT = 1000;

export async function addEnrolment(db: Database, row: EnrolmentRow, now: string): Promise<void> {
  await db.deleteFrom('enrolments').where('expires_at', '<=', now).execute();
  await db.insertInto('enrolments').values(row).execute();
  const kept = db.selectFrom('enrolments').select('id').orderBy('expires_at', 'desc').limit(PENDING_LIMIT);
  await db.deleteFrom('enrolments').where('id', 'not in', kept).execute();
}

/** Takes the enrolment out of the store: it can be answered once, rightly or wrongly. */
export async function takeEnrolment(db: Database, id: string, now: string): Promise<EnrolmentRow | undefined> {
  const row = await db.deleteFrom('enrolments').where('id', '=', id).returningAll().executeTakeFirst();
  return row !== undefined && row.expires_at > now ? row : undefined;
}

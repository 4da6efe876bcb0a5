import { locked } from './locks.ts';
import type { AdmissionRow, Database } from './schema.ts';

/** What a machine asks; the rest is what became of it. */
export type AskedAdmission = Omit<
  AdmissionRow,
  'seq' | 'state' | 'asked_at' | 'decided_at' | 'decided_by' | 'note' | 'enrolled_at'
>;

/** Locked until this transaction ends. */
export async function lockAdmission(db: Database, host: string, name: string): Promise<AdmissionRow | undefined> {
  const query = db.selectFrom('admissions').selectAll().where('host', '=', host).where('name', '=', name);
  return locked(db, query).executeTakeFirst();
}

/** Locked until this transaction ends. */
export async function lockAdmissionBySeq(db: Database, seq: number): Promise<AdmissionRow | undefined> {
  return locked(db, db.selectFrom('admissions').selectAll().where('seq', '=', seq)).executeTakeFirst();
}

export async function admissionBySeq(db: Database, seq: number): Promise<AdmissionRow | undefined> {
  return db.selectFrom('admissions').selectAll().where('seq', '=', seq).executeTakeFirst();
}

/** Begins to wait, or waits again; of a request that was known, the number and the time of the first stay. */
export async function waitForAdmission(db: Database, asked: AskedAdmission): Promise<AdmissionRow> {
  const pending = { state: 'pending', decided_at: null, decided_by: null, note: null, enrolled_at: null } as const;
  return db
    .insertInto('admissions')
    .values({ ...asked, ...pending, asked_at: asked.last_asked_at })
    .onConflict((conflict) => conflict.columns(['host', 'name']).doUpdateSet({ ...asked, ...pending }))
    .returningAll()
    .executeTakeFirstOrThrow();
}

type Change = Partial<
  Pick<AdmissionRow, 'state' | 'last_asked_at' | 'decided_at' | 'decided_by' | 'note' | 'enrolled_at'>
>;

export async function updateAdmission(db: Database, seq: number, change: Change): Promise<AdmissionRow> {
  return db.updateTable('admissions').set(change).where('seq', '=', seq).returningAll().executeTakeFirstOrThrow();
}

export async function deleteAdmission(db: Database, seq: number): Promise<void> {
  await db.deleteFrom('admissions').where('seq', '=', seq).execute();
}

export interface AdmissionPage {
  readonly limit: number;
  readonly state?: AdmissionRow['state'] | undefined;
  /** Number of the one after which the page begins. */
  readonly after?: number | undefined;
}

/** Newest first. */
export async function admissionsOf(db: Database, { limit, state, after }: AdmissionPage): Promise<AdmissionRow[]> {
  let query = db.selectFrom('admissions').selectAll().orderBy('seq', 'desc').limit(limit);
  if (state !== undefined) query = query.where('state', '=', state);
  if (after !== undefined) query = query.where('seq', '<', after);
  return query.execute();
}

export async function countPending(db: Database): Promise<number> {
  const { count } = await db
    .selectFrom('admissions')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('state', '=', 'pending')
    .executeTakeFirstOrThrow();
  return count;
}

/** The reasons of all that wait. */
export async function pendingReasons(db: Database): Promise<string[]> {
  const rows = await db.selectFrom('admissions').select('reasons').where('state', '=', 'pending').execute();
  return rows.map(({ reasons }) => reasons);
}

import { sql } from 'kysely';
import { z } from 'zod';
import type { AlertRow, Database, DeliveryRow } from './schema.ts';

/** Open findings that have one code and are about one thing, whichever hosts have them. */
export interface OpenCause {
  readonly code: string;
  /** Digest, else path; empty where the code alone says what it is about. */
  readonly subject: string;
  readonly digest: string | null;
  readonly severity: 'warning' | 'failed';
  readonly hosts: number;
  readonly firstSeen: string;
  readonly lastSeen: string;
  /** Of the newest finding. */
  readonly sentence: string;
  /** Somebody knows of it on each of these hosts. */
  readonly acknowledged: boolean;
}

export async function openCauses(db: Database, now: string): Promise<OpenCause[]> {
  const subject = sql<string>`coalesce(digest, filename_hint, '')`;
  const groups = await db
    .selectFrom('findings')
    .select(({ fn }) => [
      'code',
      subject.as('subject'),
      fn.min<string | null>('digest').as('digest'),
      // 'failed' sorts before 'warning'.
      fn.min<'warning' | 'failed'>('severity').as('severity'),
      fn.count<number>('host').distinct().as('hosts'),
      fn.min<string>('first_seen').as('firstSeen'),
      fn.max<string>('last_seen').as('lastSeen'),
      fn.max<number>('seq').as('newest'),
      fn.min<number>(unlessKnown(now)).as('known'),
    ])
    .where('open', '=', 1)
    .groupBy(['code', subject])
    .execute();
  const sentences = await sentencesOf(
    db,
    groups.map(({ newest }) => newest),
  );
  return groups.map(({ newest, known, ...group }) => ({
    ...group,
    sentence: sentences.get(newest) ?? group.code,
    acknowledged: known === 1,
  }));
}

/** 1 where somebody knows of the finding. */
function unlessKnown(now: string) {
  return sql<number>`case when acknowledged_until > ${now} then 1 else 0 end`;
}

/** Values of one `in (…)`; SQLite takes 32,766 variables. */
const AT_ONCE = 1000;

async function sentencesOf(db: Database, seqs: readonly number[]): Promise<ReadonlyMap<number, string>> {
  const sentences = new Map<number, string>();
  for (let start = 0; start < seqs.length; start += AT_ONCE) {
    const some = seqs.slice(start, start + AT_ONCE);
    const rows = await db.selectFrom('findings').select(['seq', 'sentence']).where('seq', 'in', some).execute();
    for (const { seq, sentence } of rows) sentences.set(seq, sentence);
  }
  return sentences;
}

/** Hosts whose evidence is old, by name. */
export async function staleHosts(db: Database): Promise<{ name: string; since: string }[]> {
  return db
    .selectFrom('hosts')
    .select(['name', 'verdict_since as since'])
    .where('verdict', '=', 'stale')
    .orderBy('name')
    .execute();
}

/** Names of some hosts that have a cause. */
export async function hostsWith(db: Database, { code, subject }: OpenCause, most: number): Promise<string[]> {
  const rows = await db
    .selectFrom('findings')
    .innerJoin('hosts', 'hosts.id', 'findings.host')
    .select('hosts.name')
    .distinct()
    .where('findings.open', '=', 1)
    .where('findings.code', '=', code)
    .where(sql<string>`coalesce(findings.digest, findings.filename_hint, '')`, '=', subject)
    .orderBy('hosts.name')
    .limit(most)
    .execute();
  return rows.map(({ name }) => name);
}

const Names = z.array(z.string());

/** Names of some of the hosts that an alert is about. */
export function hostNamesOf(row: Pick<AlertRow, 'host_names'>): string[] {
  return Names.parse(JSON.parse(row.host_names));
}

export async function openAlerts(db: Database): Promise<AlertRow[]> {
  return db.selectFrom('alerts').selectAll().where('resolved_at', 'is', null).orderBy('seq').execute();
}

/** Newest first. */
export async function alertsOf(
  db: Database,
  page: { readonly limit: number; readonly open: boolean | undefined; readonly after: number | undefined },
): Promise<AlertRow[]> {
  let query = db.selectFrom('alerts').selectAll().orderBy('seq', 'desc').limit(page.limit);
  if (page.open !== undefined) query = query.where('resolved_at', page.open ? 'is' : 'is not', null);
  if (page.after !== undefined) query = query.where('seq', '<', page.after);
  return query.execute();
}

export async function insertAlert(db: Database, row: Omit<AlertRow, 'seq'>): Promise<void> {
  await db.insertInto('alerts').values(row).execute();
}

export async function updateAlert(db: Database, seq: number, change: Partial<AlertRow>): Promise<void> {
  await db.updateTable('alerts').set(change).where('seq', '=', seq).execute();
}

export async function deleteAlert(db: Database, seq: number): Promise<void> {
  await db.deleteFrom('alerts').where('seq', '=', seq).execute();
}

/** Alerts of which the sinks do not know yet that they opened, or that they are over. */
export async function alertsToTell(db: Database, before: string): Promise<AlertRow[]> {
  return db
    .selectFrom('alerts')
    .selectAll()
    .where(({ and, eb, or }) =>
      or([
        and([eb('told', '=', 'no'), eb('opened_at', '<=', before)]),
        and([eb('told', '=', 'opened'), eb('resolved_at', '<=', before)]),
      ]),
    )
    .orderBy('seq')
    .execute();
}

export async function insertDelivery(
  db: Database,
  row: Pick<DeliveryRow, 'message' | 'sink' | 'document' | 'due_at'>,
): Promise<void> {
  await db
    .insertInto('deliveries')
    .values({ ...row, attempts: 0, ended_at: null, failure: null })
    .execute();
}

/** The oldest deliveries that are due. */
export async function dueDeliveries(db: Database, now: string, most: number): Promise<DeliveryRow[]> {
  return db
    .selectFrom('deliveries')
    .selectAll()
    .where('ended_at', 'is', null)
    .where('due_at', '<=', now)
    .orderBy('seq')
    .limit(most)
    .execute();
}

/** @returns whether this verifier has it now, and no other: until `until` nobody else tries */
export async function claimDelivery(db: Database, { seq, due_at }: DeliveryRow, until: string): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('deliveries')
    .set({ due_at: until })
    .where('seq', '=', seq)
    .where('due_at', '=', due_at)
    .where('ended_at', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

export async function updateDelivery(db: Database, seq: number, change: Partial<DeliveryRow>): Promise<void> {
  await db.updateTable('deliveries').set(change).where('seq', '=', seq).execute();
}

/** Newest first. */
export async function deliveriesOf(db: Database, limit: number, after: number | undefined): Promise<DeliveryRow[]> {
  const query = db.selectFrom('deliveries').selectAll().orderBy('seq', 'desc').limit(limit);
  return (after === undefined ? query : query.where('seq', '<', after)).execute();
}

/** Forgets what ended before a time. */
export async function forgetAlerts(db: Database, before: string): Promise<void> {
  await db.deleteFrom('deliveries').where('ended_at', '<', before).execute();
  await db.deleteFrom('alerts').where('resolved_at', '<', before).where('told', '=', 'resolved').execute();
}

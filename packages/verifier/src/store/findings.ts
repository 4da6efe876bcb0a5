import type { Database, FindingRow } from './schema.ts';

/** Values of one `in (…)`; SQLite takes 32,766 variables. */
const AT_ONCE = 1000;

/** Columns that tell one finding of a host from another. */
export type FindingKey = Pick<FindingRow, 'host' | 'boot' | 'code' | 'digest' | 'filename_hint'>;

export async function findingOf(db: Database, key: FindingKey): Promise<FindingRow | undefined> {
  return findingsAbout(db, key).where('boot', 'is not distinct from', key.boot).executeTakeFirst();
}

/** Of a host, in whichever boots, about the same. */
function findingsAbout(db: Database, key: Omit<FindingKey, 'boot'>) {
  return db
    .selectFrom('findings')
    .selectAll()
    .where('host', '=', key.host)
    .where('code', '=', key.code)
    .where('digest', 'is not distinct from', key.digest)
    .where('filename_hint', 'is not distinct from', key.filename_hint);
}

/** The newest finding of another boot that is about the same. */
export async function earlierFinding(db: Database, { seq, ...key }: FindingRow): Promise<FindingRow | undefined> {
  return findingsAbout(db, key)
    .where('boot', 'is not', null)
    .where('boot', '!=', key.boot)
    .where('seq', '<', seq)
    .orderBy('seq', 'desc')
    .limit(1)
    .executeTakeFirst();
}

export async function findingBySeq(db: Database, seq: number): Promise<FindingRow | undefined> {
  return db.selectFrom('findings').selectAll().where('seq', '=', seq).executeTakeFirst();
}

export async function insertFinding(db: Database, row: Omit<FindingRow, 'seq'>): Promise<FindingRow> {
  return db.insertInto('findings').values(row).returningAll().executeTakeFirstOrThrow();
}

export async function updateFinding(db: Database, row: FindingRow): Promise<void> {
  const { seq, ...columns } = row;
  await db.updateTable('findings').set(columns).where('seq', '=', seq).execute();
}

/** The newest findings of a host that somebody knows of at a time, open or not. */
export async function acknowledgedOf(db: Database, host: string, at: string): Promise<FindingRow[]> {
  return db
    .selectFrom('findings')
    .selectAll()
    .where('host', '=', host)
    .where('acknowledged_until', 'is not', null)
    .where('acknowledged_until', '>', at)
    .orderBy('seq', 'desc')
    .execute();
}

/** Newest first. */
export async function openFindingsOf(db: Database, hosts: readonly string[]): Promise<FindingRow[]> {
  if (hosts.length === 0) return [];
  return db
    .selectFrom('findings')
    .selectAll()
    .where('host', 'in', hosts)
    .where('open', '=', 1)
    .orderBy('last_seen', 'desc')
    .orderBy('seq', 'desc')
    .execute();
}

/** Open ones of any host with the same code, digest and path. */
export async function openFindingsLike(
  db: Database,
  finding: Pick<FindingRow, 'code' | 'digest' | 'filename_hint'>,
): Promise<FindingRow[]> {
  return db
    .selectFrom('findings')
    .selectAll()
    .where('code', '=', finding.code)
    .where('digest', 'is not distinct from', finding.digest)
    .where('filename_hint', 'is not distinct from', finding.filename_hint)
    .where('open', '=', 1)
    .orderBy('seq')
    .execute();
}

export async function findingsBySeq(db: Database, seqs: readonly number[]): Promise<FindingRow[]> {
  return seqs.length === 0
    ? []
    : db.selectFrom('findings').selectAll().where('seq', 'in', seqs).orderBy('seq').execute();
}

/** The hosts that have these findings, each once. */
export async function hostsOfFindings(db: Database, seqs: readonly number[]): Promise<string[]> {
  const hosts = new Set<string>();
  for (let start = 0; start < seqs.length; start += AT_ONCE) {
    const some = seqs.slice(start, start + AT_ONCE);
    for (const { host } of await db.selectFrom('findings').select('host').where('seq', 'in', some).execute()) {
      hosts.add(host);
    }
  }
  return [...hosts];
}

/** The host's list goes on under another row: its findings keep their names. */
export async function moveFindings(db: Database, from: number, to: number): Promise<void> {
  await db.updateTable('findings').set({ boot: to }).where('boot', '=', from).execute();
}

export interface FindingPage {
  readonly limit: number;
  readonly host?: string | undefined;
  readonly open?: boolean | undefined;
  readonly code?: string | undefined;
  readonly digest?: string | undefined;
  /** Whether somebody knows of it at `at`. */
  readonly acknowledged?: boolean | undefined;
  readonly at: string;
  /** Number of the finding after which the page begins. */
  readonly after?: number | undefined;
}

/** Newest first. */
export async function findingsOf(db: Database, page: FindingPage): Promise<FindingRow[]> {
  let query = db.selectFrom('findings').selectAll().orderBy('seq', 'desc').limit(page.limit);
  if (page.host !== undefined) query = query.where('host', '=', page.host);
  if (page.open !== undefined) query = query.where('open', '=', page.open ? 1 : 0);
  if (page.code !== undefined) query = query.where('code', '=', page.code);
  if (page.digest !== undefined) query = query.where('digest', '=', page.digest);
  if (page.acknowledged === true) query = query.where('acknowledged_until', '>', page.at);
  if (page.acknowledged === false) {
    query = query.where(({ eb, or }) =>
      or([eb('acknowledged_until', 'is', null), eb('acknowledged_until', '<=', page.at)]),
    );
  }
  if (page.after !== undefined) query = query.where('seq', '<', page.after);
  return query.execute();
}

export interface Spread {
  readonly hosts: number;
  readonly firstSeen: string | null;
  readonly lastSeen: string | null;
}

/** On how many hosts the same digest is an open finding with the same code. */
export async function spreadOf(db: Database, finding: Pick<FindingRow, 'code' | 'digest'>): Promise<Spread> {
  return db
    .selectFrom('findings')
    .select(({ fn }) => [
      fn.count<number>('host').distinct().as('hosts'),
      fn.min<string | null>('first_seen').as('firstSeen'),
      fn.max<string | null>('last_seen').as('lastSeen'),
    ])
    .where('code', '=', finding.code)
    .where('digest', 'is not distinct from', finding.digest)
    .where('open', '=', 1)
    .executeTakeFirstOrThrow();
}

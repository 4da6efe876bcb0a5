import type { Insertable, Updateable } from 'kysely';
import { among } from './bulk.ts';
import type { Database, HostRow } from './schema.ts';

export async function hostById(db: Database, id: string): Promise<HostRow | undefined> {
  return db.selectFrom('hosts').selectAll().where('id', '=', id).executeTakeFirst();
}

export async function hostByName(db: Database, name: string): Promise<HostRow | undefined> {
  return db.selectFrom('hosts').selectAll().where('name', '=', name).executeTakeFirst();
}

/** An id goes before a name that looks like one. */
export async function hostByIdOrName(db: Database, key: string): Promise<HostRow | undefined> {
  return (await hostById(db, key)) ?? hostByName(db, key);
}

export async function hostByToken(db: Database, tokenDigest: Uint8Array): Promise<HostRow | undefined> {
  return db.selectFrom('hosts').selectAll().where('token_digest', '=', tokenDigest).executeTakeFirst();
}

/** Hosts in the order of their names. */
export async function hostsAfter(db: Database, name: string | undefined, limit: number): Promise<HostRow[]> {
  let query = db.selectFrom('hosts').selectAll().orderBy('name').limit(limit);
  if (name !== undefined) query = query.where('name', '>', name);
  return query.execute();
}

export async function hostsByIds(db: Database, ids: readonly string[]): Promise<HostRow[]> {
  return ids.length === 0
    ? []
    : db
        .selectFrom('hosts')
        .selectAll()
        .where(among(db, 'id', ids))
        .execute();
}

/** Hosts whose evidence is older than `time` and whose verdict rests on it being fresh. */
export async function hostsToExpire(db: Database, time: string): Promise<string[]> {
  const rows = await db
    .selectFrom('rounds')
    .innerJoin('hosts', 'hosts.id', 'rounds.host')
    .select('hosts.id')
    .where('rounds.evidence_at', '<', time)
    .where('hosts.verdict', 'in', ['trusted', 'warning', 'unverified'])
    .execute();
  return rows.map(({ id }) => id);
}

export async function allHostIds(db: Database): Promise<string[]> {
  const rows = await db.selectFrom('hosts').select('id').orderBy('id').execute();
  return rows.map(({ id }) => id);
}

export async function countHosts(db: Database): Promise<number> {
  const { count } = await db
    .selectFrom('hosts')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

export async function insertHost(db: Database, row: Insertable<HostRow>): Promise<void> {
  await db.insertInto('hosts').values(row).execute();
}

export async function updateHost(db: Database, id: string, change: Updateable<HostRow>): Promise<void> {
  await db.updateTable('hosts').set(change).where('id', '=', id).execute();
}

/** Hosts whose certificates are kept and did not verify. */
export async function hostsWithoutEndorsement(db: Database): Promise<HostRow[]> {
  return db
    .selectFrom('hosts')
    .selectAll()
    .where('ek_certificates', 'is not', null)
    .where('endorsement', 'is', null)
    .execute();
}

/** Another host whose attestation key a trusted authority certified for this machine; of several, the same one each time. */
export async function otherByAkIdentity(db: Database, identity: string, id: string): Promise<HostRow | undefined> {
  return db
    .selectFrom('hosts')
    .selectAll()
    .where('ak_identity', '=', identity)
    .where('id', '!=', id)
    .orderBy('enrolled_at')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
}

/** Hosts that came with certificates of their attestation keys, for which nobody vouches, the first that enrolled first. */
export async function hostsWithoutAkCertificate(db: Database): Promise<string[]> {
  const rows = await db
    .selectFrom('hosts')
    .select('id')
    .where('ak_certificates', 'is not', null)
    .where('ak_certificate', 'is', null)
    .orderBy('enrolled_at')
    .orderBy('id')
    .execute();
  return rows.map(({ id }) => id);
}

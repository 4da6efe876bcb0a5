import type { Database } from './schema.ts';

/** Entries that came in one round of the present boot of a host. */
export interface PresentArrival {
  readonly host: string;
  readonly boot: number;
  readonly receivedAt: string;
  /** store/ids.ts */
  readonly ids: Uint8Array;
}

/** Hosts whose lists are in memory at once. */
const HOSTS_AT_ONCE = 100;

/** The lists of all present boots, some hosts at a time, in the order of their names. */
export async function* presentArrivals(db: Database): AsyncGenerator<PresentArrival[]> {
  for (let after = ''; ; ) {
    const hosts = await db
      .selectFrom('hosts')
      .select('name')
      .where('name', '>', after)
      .orderBy('name')
      .limit(HOSTS_AT_ONCE)
      .execute();
    const last = hosts.at(-1)?.name;
    if (last === undefined) return;
    yield await db
      .selectFrom('hosts')
      .innerJoin('boot_entries', 'boot_entries.boot', 'hosts.boot')
      .select(['hosts.name as host', 'boot_entries.boot', 'boot_entries.received_at as receivedAt', 'boot_entries.ids'])
      .where('hosts.name', '>', after)
      .where('hosts.name', '<=', last)
      .orderBy('hosts.name')
      .orderBy('boot_entries.first')
      .execute();
    after = last;
  }
}

/** Number of hosts with an open finding about each digest and path; keys are those two with a blank between them. */
export async function openFindingsAbout(db: Database, digests: readonly string[]): Promise<Map<string, number>> {
  if (digests.length === 0) return new Map();
  const rows = await db
    .selectFrom('findings')
    .select(({ fn }) => ['digest', 'filename_hint', fn.count<number>('host').distinct().as('hosts')])
    .where('open', '=', 1)
    .where('digest', 'in', digests)
    .groupBy(['digest', 'filename_hint'])
    .execute();
  return new Map(rows.map((row) => [`${row.digest} ${row.filename_hint}`, row.hosts]));
}

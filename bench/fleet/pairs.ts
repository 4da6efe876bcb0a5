import { toHex, utf8 } from '@assay/core/bytes';
import { nodeHasher } from '@assay/core/node';
import { parseBinaryList } from '@assay/core/measurement';
import { SimulatedHost, SimulatedList } from '@assay/testkit/evidence';
import {
  addBoot,
  appendToList,
  entryIds,
  indexArrivals,
  newEntries,
  openStore,
  whoMeasured,
  type Database,
} from '@assay/verifier/fill';
import { enrolled } from './hosts.ts';

/** Entries of one host, as many as a small server has. */
const ENTRIES = 3000;
/** Lists: so many sightings fill whole blocks of the index. */
const INDEXED_AT_ONCE = 512;
const RUNS = 20;

const digestOf = (index: number): Uint8Array => nodeHasher.digest('sha256', utf8(`pair ${index}`));

/** How long `digest who` takes over so many (host, entry) pairs: the fastest of its runs, for three kinds of digest. */
export async function digestTimes(store: string, pairs: number): Promise<[what: string, milliseconds: number][]> {
  const database = await openStore(store);
  const hosts = Math.max(1, Math.round(pairs / ENTRIES));
  await fill(database, store, hosts);
  const everywhere = `sha256:${toHex(digestOf(1))}`;
  const nowhere = `sha256:${'0'.repeat(64)}`;
  const counted = `${hosts * ENTRIES} pairs`;
  const times: [string, number][] = [
    [`digest who, on all of ${hosts} hosts, ${counted}`, await fastest(database, everywhere)],
    [`digest who, nowhere`, await fastest(database, nowhere)],
  ];
  await database.destroy();
  return times;
}

async function fill(database: Database, store: string, hosts: number): Promise<void> {
  const list = new SimulatedList();
  for (let index = 0; index < ENTRIES; index++) list.measure(`/usr/bin/pair-${index}`, digestOf(index));
  const ids = await entryIds(database, newEntries(parseBinaryList(list.bytes(), { bank: 'sha256' }).entries));
  const machine = await SimulatedHost.boot({ name: 'pairs' });
  const since = new Date().toISOString();
  const added = await enrolled(store, [machine], hosts, 'pairs');
  for (let start = 0; start < added.length; start += 100) {
    await database.transaction().execute(async (db) => {
      for (const host of added.slice(start, start + 100)) {
        const counters = { reset_count: 1, restart_count: 0, since, entries: ENTRIES, violations: 0, until: null };
        const boot = await addBoot(db, { host: host.id, ...counters });
        await appendToList(db, { boot, first: 1, ids, receivedAt: new Date().toISOString() });
      }
    });
  }
  while (await indexArrivals(database, ENTRIES * INDEXED_AT_ONCE));
}

async function fastest(database: Database, digest: string): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let run = 0; run < RUNS; run++) {
    const began = performance.now();
    await whoMeasured(database, digest, { limit: 100, before: undefined });
    best = Math.min(best, performance.now() - began);
  }
  return best;
}

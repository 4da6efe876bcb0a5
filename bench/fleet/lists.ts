import { toHex, utf8 } from '@assay/core/bytes';
import { parseBinaryList } from '@assay/core/measurement';
import { nodeHasher } from '@assay/core/node';
import { SimulatedList } from '@assay/testkit/evidence';
import {
  addBoot,
  appendToList,
  entryIds,
  indexArrivals,
  newEntries,
  openStore,
  updateHost,
} from '@assay/verifier/fill';
import type { FleetHost } from './hosts.ts';

/** Of the entries of each host, so many of ten are on all hosts; the others are some of ten times as many. */
const COMMON = 6;
const VARIETY = 10;
const AT_ONCE = 100;
/** Lists that go into the index together, so that the verifier has nothing to do in the background. */
const INDEXED_AT_ONCE = 512;

const digestOf = (index: number): Uint8Array => nodeHasher.digest('sha256', utf8(`list ${index}`));
const pathOf = (index: number): string => `/usr/lib/package-${index % 500}/file-${index}`;

/** The files that hosts with so many entries have. */
export function measuredFiles(entries: number): { digest: string; path: string }[] {
  return Array.from({ length: entries * VARIETY }, (_, index) => ({
    digest: `sha256:${toHex(digestOf(index))}`,
    path: pathOf(index),
  }));
}

/** Gives each host a present boot with a list, as if it had been verified. */
export async function fillLists(store: string, hosts: readonly FleetHost[], entries: number): Promise<void> {
  const database = await openStore(store);
  const list = new SimulatedList();
  for (let index = 0; index < entries * VARIETY; index++) list.measure(pathOf(index), digestOf(index));
  const ids = await database
    .transaction()
    .execute((db) => entryIds(db, newEntries(parseBinaryList(list.bytes(), { bank: 'sha256' }).entries)));
  const since = new Date().toISOString();
  const common = Math.floor((entries * COMMON) / 10);
  for (let start = 0; start < hosts.length; start += AT_ONCE) {
    await database.transaction().execute(async (db) => {
      for (const [index, { id }] of hosts.slice(start, start + AT_ONCE).entries()) {
        const from = common + (((start + index) * 997) % (ids.length - entries));
        const own = [...ids.slice(0, common), ...ids.slice(from, from + entries - common)];
        const counters = { reset_count: 1, restart_count: 0, since, entries: own.length, violations: 0, until: null };
        const boot = await addBoot(db, { host: id, ...counters });
        await appendToList(db, { boot, first: 1, ids: own, receivedAt: since });
        await updateHost(db, id, { boot });
      }
    });
  }
  while (await indexArrivals(database, entries * INDEXED_AT_ONCE));
  await database.destroy();
}

import { filenameHint, parseBinaryList } from '@assay/core/measurement';
import type { DigestDocument } from '@assay/wire';
import { countOwners, looked, ownedBoots, type OwnedBoot } from '../store/boots.ts';
import { entriesWithDigest } from '../store/entries.ts';
import type { Database } from '../store/schema.ts';
import { sightingsOf } from '../store/sightings.ts';

export interface SightingsPage {
  readonly limit: number;
  /** Boots older than this one. */
  readonly before: number | undefined;
}

interface Seen {
  readonly boot: number;
  readonly path: string;
  first: number;
  last: number;
}

/** Every boot of every host whose list has the digest, the newest boots first. */
export async function whoMeasured(db: Database, digest: string, page: SightingsPage): Promise<DigestDocument> {
  const entries = await entriesWithDigest(db, digest);
  const paths = new Map(entries.map(({ id, record }) => [id, pathOf(record)]));
  const sightings = await sightingsOf(db, [...paths.keys()]);
  const newestFirst = bootsIn(sightings);
  const older = page.before ?? Number.POSITIVE_INFINITY;
  const shown = await newestOf(
    db,
    newestFirst.filter((boot) => boot < older),
    page.limit + 1,
  );
  const byBoot = seenIn(sightings, paths, new Set(shown.map(({ id }) => id)));
  const part = shown.slice(0, page.limit);
  const last = part.at(-1);
  return {
    schema: 'assay.digest.v1',
    digest,
    hosts: await countOwners(db, newestFirst),
    sightings: part.flatMap((boot) =>
      (byBoot.get(boot.id) ?? []).map(({ path, first, last: newest }) => ({
        host: { id: boot.host, name: boot.name },
        boot: { id: boot.id, resetCount: boot.reset_count, restartCount: boot.restart_count, since: boot.since },
        path,
        firstSeen: new Date(first).toISOString(),
        lastSeen: new Date(newest).toISOString(),
        attestedUntil: boot.lastEvidence,
      })),
    ),
    looked: await looked(db),
    next: shown.length > part.length && last !== undefined ? String(last.id) : null,
  };
}

/** The first boots that are still there, of hosts that were not removed. */
async function newestOf(db: Database, boots: readonly number[], most: number): Promise<OwnedBoot[]> {
  const found: OwnedBoot[] = [];
  for (let start = 0; start < boots.length && found.length < most; start += most) {
    found.push(...(await ownedBoots(db, boots.slice(start, start + most))));
  }
  return found.slice(0, most);
}

function pathOf(record: Uint8Array): string {
  const [entry] = parseBinaryList(record, { bank: 'sha256' }).entries;
  return entry === undefined ? '' : filenameHint(entry.fields);
}

type Sightings = Awaited<ReturnType<typeof sightingsOf>>;

/** The newest first. */
function bootsIn(sightings: Sightings): number[] {
  const boots = new Set<number>();
  for (const some of sightings.values()) for (const { boot } of some) boots.add(boot);
  return [...boots].toSorted((one, other) => other - one);
}

/** Of some boots: one for each path, however often it was measured there. */
function seenIn(
  sightings: Sightings,
  paths: ReadonlyMap<number, string>,
  boots: ReadonlySet<number>,
): Map<number, Seen[]> {
  const found = new Map<string, Seen>();
  for (const [entry, some] of sightings) {
    const path = paths.get(entry) ?? '';
    for (const { boot, at } of some) {
      if (!boots.has(boot)) continue;
      const known = found.get(`${boot} ${path}`);
      if (known === undefined) found.set(`${boot} ${path}`, { boot, path, first: at, last: at });
      else [known.first, known.last] = [Math.min(known.first, at), Math.max(known.last, at)];
    }
  }
  const byPath = [...found.values()].toSorted((a, b) => a.path.localeCompare(b.path));
  return Map.groupBy(byPath, ({ boot }) => boot);
}

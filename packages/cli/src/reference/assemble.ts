import type { Pool, ReferenceDocument } from '@assay/core/reference';

/**
 * Takes pools into a document: those of the same kind and name that it has are replaced, or stay good until `retire`, so
 * that hosts that were not updated yet stay trusted. Pools that end earlier already keep their end.
 */
export function withPools(document: ReferenceDocument, pools: readonly Pool[], retire?: string): ReferenceDocument {
  const fresh = new Map(pools.map((pool) => [pool.id, pool]));
  const names = new Set(pools.map(groupOf));
  const old = document.pools.flatMap((pool): Pool[] => {
    if (fresh.has(pool.id)) return [];
    if (!names.has(groupOf(pool))) return [pool];
    if (retire === undefined) return [];
    const ends = pool.until !== undefined && Date.parse(pool.until) < Date.parse(retire);
    return [ends ? pool : { ...pool, until: retire }];
  });
  const all = [...old, ...fresh.values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  return { ...document, pools: all };
}

/** Architectures of one package are kept apart. */
function groupOf({ kind, name, architecture }: Pool): string {
  return `${kind} ${name} ${architecture ?? ''}`;
}

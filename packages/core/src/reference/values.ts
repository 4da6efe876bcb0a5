import { digestText, entryKind, filenameHint, type MeasurementEntry } from '../measurement/index.ts';

/** A digest that is good, and where it was seen: `alg:hex`, and an escaped path that is a hint only. */
export interface ReferenceItem {
  readonly digest: string;
  readonly path: string;
}

/** Good digests of a host. The digest decides; the path only helps to explain. */
export interface ReferenceValues {
  /** Number of distinct digests. */
  readonly size: number;
  has(digest: string): boolean;
  /** True when some other digest is good at this path. */
  knowsPath(path: string): boolean;
}

export function buildReference(items: Iterable<ReferenceItem>): ReferenceValues {
  const digests = new Set<string>();
  const paths = new Set<string>();
  for (const { digest, path } of items) {
    digests.add(digest);
    paths.add(path);
  }
  return { size: digests.size, has: (digest) => digests.has(digest), knowsPath: (path) => paths.has(path) };
}

/**
 * What a capture takes over from a verified list: files and buffers. Violations prove no content, boot_aggregate is
 * recomputed, and the engine's records about itself differ at each start.
 */
export function captureReference(entries: Iterable<Pick<MeasurementEntry, 'fields' | 'violation'>>): ReferenceItem[] {
  const items: ReferenceItem[] = [];
  for (const entry of entries) {
    const kind = entryKind(entry);
    if (kind !== 'file' && kind !== 'buffer') continue;
    items.push({ digest: digestText(entry.fields.digest), path: filenameHint(entry.fields) });
  }
  return items;
}

import type { Measurement } from '@assay/wire';
import { useSyncExternalStore } from 'react';

const SHOWN_MS = 2600;

/** `host/entry` of the measurements that arrived a moment ago. */
let arrivals: ReadonlySet<string> = new Set();
const listeners = new Set<() => void>();

export const arrivalKey = (hostId: string, entry: number): string => `${hostId}/${entry}`;

function become(next: ReadonlySet<string>): void {
  arrivals = next;
  for (const listener of listeners) listener();
}

export function noteArrivals(hostId: string, measurements: readonly Measurement[]): void {
  const keys = new Set(measurements.map((row) => arrivalKey(hostId, row.entry)));
  become(arrivals.union(keys));
  window.setTimeout(() => become(arrivals.difference(keys)), SHOWN_MS);
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useArrivals(): ReadonlySet<string> {
  return useSyncExternalStore(subscribe, () => arrivals);
}

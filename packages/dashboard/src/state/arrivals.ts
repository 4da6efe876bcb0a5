import type { Measurement } from '@assay/wire';
import { Store, useStore } from './store.ts';

const SHOWN_MS = 2600;

/** `host/entry` of the measurements that arrived a moment ago. */
const arrivals = new Store<ReadonlySet<string>>(new Set());

export const arrivalKey = (host: string, entry: number): string => `${host}/${entry}`;

export function noteArrivals(host: string, measurements: readonly Measurement[]): void {
  const keys = new Set(measurements.map((row) => arrivalKey(host, row.entry)));
  arrivals.become(arrivals.current().union(keys));
  window.setTimeout(() => arrivals.become(arrivals.current().difference(keys)), SHOWN_MS);
}

export const useArrivals = (): ReadonlySet<string> => useStore(arrivals);

import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from './schema.ts';
import { indexArrivals } from './sightings.ts';

const IDLE_MILLISECONDS = 1000;
/** Between two parts of the work, in which rounds go on. */
const PAUSE_MILLISECONDS = 20;

/** Extends the index from entries to boots, a little at a time. @returns ends it, after the part that has begun */
export function startIndexer(database: Database, log: (line: string) => void): () => Promise<void> {
  const stop = new AbortController();
  const working = work(database, log, stop.signal);
  return async () => {
    stop.abort();
    await working;
  };
}

async function work(database: Database, log: (line: string) => void, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    let more = false;
    try {
      more = await indexArrivals(database);
    } catch (error) {
      log(`index of entries: ${String(error)}`);
    }
    await delay(more ? PAUSE_MILLISECONDS : IDLE_MILLISECONDS, undefined, { signal }).catch(() => undefined);
  }
}

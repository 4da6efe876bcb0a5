import { useSyncExternalStore } from 'react';

/** Smaller differences are the resolution of the Date header and the way it took. */
const TOLERATED_MS = 3000;

let ahead = 0;
let now = Date.now();
let timer = 0;
const listeners = new Set<() => void>();

function tick(): void {
  now = Date.now() + ahead;
  for (const listener of listeners) listener();
}

/** Learns from a `Date` header how far the verifier's clock is from this browser's: ages are counted on its clock. */
export function noteServerTime(date: string | null): void {
  const difference = date === null ? Number.NaN : Date.parse(date) - Date.now();
  if (Number.isNaN(difference)) return;
  ahead = Math.abs(difference) > TOLERATED_MS ? difference : 0;
  tick();
}

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) timer = window.setInterval(tick, 1000);
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) window.clearInterval(timer);
  };
}

/** Milliseconds on the verifier's clock, anew each second. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

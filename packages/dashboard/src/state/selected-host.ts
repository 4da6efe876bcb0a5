import type { HostSummary } from '@assay/wire';
import { useSyncExternalStore } from 'react';
import { VERDICTS_BY_URGENCY } from '../text/verdict.ts';

const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener('popstate', listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener('popstate', listener);
  };
}

const nameInAddress = (): string | null => new URLSearchParams(location.search).get('host');

export const hostAddress = (name: string): string => `?${new URLSearchParams({ host: name })}`;

export function selectHost(name: string): void {
  history.pushState(null, '', hostAddress(name));
  for (const listener of listeners) listener();
}

/** The host that the address names; else the one that needs a look most. */
export function useSelectedHost(hosts: readonly HostSummary[]): { name: string; host: HostSummary | undefined } {
  const named = useSyncExternalStore(subscribe, nameInAddress);
  if (named !== null) return { name: named, host: hosts.find((host) => host.name === named) };
  const host = hosts.toSorted(byUrgency)[0];
  return { name: host?.name ?? '', host };
}

function byUrgency(a: HostSummary, b: HostSummary): number {
  return VERDICTS_BY_URGENCY.indexOf(a.verdict) - VERDICTS_BY_URGENCY.indexOf(b.verdict);
}

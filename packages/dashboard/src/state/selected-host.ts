import type { HostSummary } from '@assay/wire';
import { useEffect, useSyncExternalStore } from 'react';
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

function byUrgency(a: HostSummary, b: HostSummary): number {
  return VERDICTS_BY_URGENCY.indexOf(a.verdict) - VERDICTS_BY_URGENCY.indexOf(b.verdict);
}

/**
 * The host that the address names; else the one that needs a look most, which then goes into the address: the page
 * must not turn to another host by itself while somebody reads.
 */
export function useSelectedHost(hosts: readonly HostSummary[]): { name: string; host: HostSummary | undefined } {
  const named = useSyncExternalStore(subscribe, nameInAddress);
  const urgent = hosts.toSorted(byUrgency)[0];
  const name = named ?? urgent?.name ?? '';
  useEffect(() => {
    if (named === null && name !== '') history.replaceState(null, '', hostAddress(name));
  }, [named, name]);
  return { name, host: hosts.find((host) => host.name === name) };
}

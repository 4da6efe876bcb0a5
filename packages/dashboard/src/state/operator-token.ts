import { useSyncExternalStore } from 'react';

const KEY = 'assay.operator-token';
const listeners = new Set<() => void>();

/**
 * Takes `#token=…` out of the address bar and keeps it for this tab.
 * A fragment is never sent to a server and so stands in no log.
 */
export function takeTokenFromAddress(): void {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token === null) return;
  sessionStorage.setItem(KEY, token);
  history.replaceState(history.state, '', location.pathname + location.search);
}

/** The verifier refused the token, so it is worth nothing. */
export function forgetToken(): void {
  sessionStorage.removeItem(KEY);
  for (const listener of listeners) listener();
}

export const operatorToken = (): string | null => sessionStorage.getItem(KEY);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useOperatorToken(): string | null {
  return useSyncExternalStore(subscribe, operatorToken);
}

import { Store, useStore } from './store.ts';

const KEY = 'assay.operator-token';

const token = new Store<string | null>(null);

/**
 * Takes `#token=…` out of the address bar and keeps it for this tab; without it, the one that is kept.
 * A fragment is never sent to a server and so stands in no log.
 */
export function takeTokenFromAddress(): void {
  const given = new URLSearchParams(location.hash.slice(1)).get('token');
  if (given === null) return token.become(sessionStorage.getItem(KEY));
  keepToken(given);
  history.replaceState(history.state, '', location.pathname + location.search);
}

export function keepToken(given: string): void {
  sessionStorage.setItem(KEY, given);
  token.become(given);
}

/** The verifier refused the token, so it is worth nothing. */
export function forgetToken(): void {
  sessionStorage.removeItem(KEY);
  token.become(null);
}

export const operatorToken = (): string | null => token.current();

export const useOperatorToken = (): string | null => useStore(token);

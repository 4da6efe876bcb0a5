import type { SessionEnded, WhoAmI } from '@assay/wire';
import { ROUTES } from '@assay/wire/routes';
import { queryOptions, useQuery } from '@tanstack/react-query';
import { useOperatorToken } from '../state/operator-token.ts';
import { change } from './change.ts';
import { ApiProblem, requestDocument } from './documents.ts';
import { eventStream } from './live.ts';

/** Asked again with each token, which may be nobody's. */
const whoQuery = (token: string | null) =>
  queryOptions({
    queryKey: ['who', token],
    queryFn: ({ signal }) => requestDocument<WhoAmI>(ROUTES.whoAmI, 'assay.who-am-i.v1', { signal }),
  });

/**
 * Asks who has a token that this tab does not use yet.
 *
 * @throws {ApiProblem} 401: it is nobody's.
 */
export const whoHas = (token: string): Promise<WhoAmI> =>
  requestDocument<WhoAmI>(ROUTES.whoAmI, 'assay.who-am-i.v1', { headers: { authorization: `Bearer ${token}` } });

/** Whether the verifier refuses the token of this tab. */
export function useTokenRefused(): boolean {
  const { error } = useQuery(whoQuery(useOperatorToken()));
  return error instanceof ApiProblem && error.problem.status === 401;
}

/** Who asks, and how one may sign in; undefined until the verifier has answered, and where it refuses the token. */
export function useWho(): WhoAmI | undefined {
  return useQuery(whoQuery(useOperatorToken())).data;
}

/** Whether this tab acts as somebody: with a token, or as a person who signed in. */
export function useActs(): boolean {
  const token = useOperatorToken();
  const who = useWho();
  return token !== null || (who?.principal ?? null) !== null;
}

/** Where the browser goes to sign in; it comes back to the page that is shown. */
export function signInAddress(signIn: string): string {
  return `${signIn}?${new URLSearchParams({ returnTo: location.pathname + location.search }).toString()}`;
}

/** @throws {ApiProblem} The verifier refused. */
export async function signOut(): Promise<SessionEnded> {
  const ended = await change<SessionEnded>(ROUTES.signOut, 'assay.session-ended.v1', { touched: ['who'] });
  // What was shown may be for who is signed in only.
  eventStream.connect();
  return ended;
}

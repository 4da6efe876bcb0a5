import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { AGAIN_SECONDS, ApiProblem, isPassing } from '../api/documents.ts';
import { useWho } from '../api/who.ts';
import { Empty } from './empty.tsx';
import { SignInLink } from './sign-in-link.tsx';
import { useOperatorToken } from '../state/operator-token.ts';
import { openToken } from '../state/overlay.ts';

const SIGN_IN_NEEDED = {
  title: 'Only people who have signed in may see this',
  detail: 'Sign in, and the browser comes back to this page.',
};

const SESSION_ENDED = {
  title: 'Only people who have signed in may do this',
  detail: 'Sign in in another tab, come back to this one, and press the button once more; what you entered stays here.',
};

const TOKEN_NEEDED = {
  title: 'This verifier wants the operator’s token',
  detail:
    'Open the page with the address that the verifier printed when it started; it ends in #token=… . Or paste it here.',
};

const TOKEN_REFUSED = {
  title: 'The verifier does not take the token of this tab any more',
  detail: 'It has expired, was revoked, or is of another verifier. Give another one; what you entered stays here.',
};

const UNREACHABLE = {
  title: 'The verifier cannot be reached',
  detail: 'Look whether it runs, and what lies between.',
};

/** Null where no answer came. */
const statusOf = (error: Error): number | null => (error instanceof ApiProblem ? error.problem.status : null);

/** The verifier knows nothing of what was asked for. */
export const isUnknown = (error: Error | null): error is ApiProblem =>
  error instanceof ApiProblem && error.problem.status === 404;

interface Asker {
  readonly signIn: string | null;
  readonly token: string | null;
  /** A button was pressed, and what was entered for it must not be lost. */
  readonly acts: boolean;
}

function words(error: Error, { signIn, token, acts }: Asker): { title: string; detail: string } {
  if (statusOf(error) === 401) {
    if (token !== null) return TOKEN_REFUSED;
    if (signIn === null) return TOKEN_NEEDED;
    return acts ? SESSION_ENDED : SIGN_IN_NEEDED;
  }
  return error instanceof ApiProblem ? error.problem : UNREACHABLE;
}

/** Where nothing asks again by itself. */
const PRESS_AGAIN = 'When it is back, press the button once more; what you entered stays here.';

/** @param children what can be done about it besides; what was pressed, where it is left out */
export function ProblemText({ error, children }: { error: Error; children?: ReactNode }) {
  const signIn = useWho()?.signIn ?? null;
  const acts = children === undefined;
  const problem = words(error, { signIn, token: useOperatorToken(), acts });
  const { title, detail } = problem;
  const wantsToken = problem === TOKEN_NEEDED || problem === TOKEN_REFUSED;
  const wantsSession = problem === SIGN_IN_NEEDED || problem === SESSION_ENDED;
  return (
    <div
      role="alert"
      data-tone={wantsSession || wantsToken ? 'caution' : 'bad'}
      className="mt-4 rounded-lg border border-tone-line bg-tone-soft p-4 text-tone"
    >
      <p className="font-semibold">{title}</p>
      <p className="mt-1 text-sm wrap-anywhere">{detail}</p>
      <div className="mt-3 flex flex-wrap items-center gap-3 empty:hidden">
        {wantsSession && signIn !== null && <SignInLink signIn={signIn} apart={acts} />}
        {wantsToken && (
          <button type="button" onClick={openToken} className="button">
            {problem === TOKEN_NEEDED ? 'Paste the token' : 'Give another token'}
          </button>
        )}
        {statusOf(error) === 403 && (
          <button type="button" onClick={openToken} className="button">
            Act as somebody else
          </button>
        )}
        {children ?? (isPassing(error) && <span className="text-sm">{PRESS_AGAIN}</span>)}
      </div>
    </div>
  );
}

type Asked = Pick<UseQueryResult, 'error' | 'isFetching' | 'refetch'>;

/** Why a query has no answer, or no new one, and the button that asks again. What wants another token is asked again with that. */
export function QueryProblem({ query: { error, isFetching, refetch } }: { query: Asked }) {
  if (error === null) return null;
  if (isUnknown(error)) return <Empty icon="question" title={error.problem.detail} />;
  const again = statusOf(error) !== 401 && statusOf(error) !== 403;
  return (
    <ProblemText error={error}>
      {again && (
        <button type="button" disabled={isFetching} onClick={() => void refetch()} className="button">
          {isFetching ? 'Trying' : 'Try again'}
        </button>
      )}
      {isPassing(error) && <span className="text-sm">It is asked again every {AGAIN_SECONDS} seconds.</span>}
    </ProblemText>
  );
}

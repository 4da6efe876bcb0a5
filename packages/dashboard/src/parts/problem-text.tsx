import { ApiProblem } from '../api/documents.ts';
import { useWho } from '../api/who.ts';
import { SignInLink } from './sign-in-link.tsx';
import { openToken } from '../state/overlay.ts';

const SIGN_IN_NEEDED = {
  title: 'Only people who have signed in may see this',
  detail: 'Sign in, and the browser comes back to this page.',
};

const TOKEN_NEEDED = {
  title: 'This verifier wants the operator’s token',
  detail:
    'Open the page with the address that the verifier printed when it started; it ends in #token=… . Or paste it here.',
};

function words(error: Error, signIn: string | null): { title: string; detail: string } {
  if (error instanceof ApiProblem && error.problem.status === 401)
    return signIn === null ? TOKEN_NEEDED : SIGN_IN_NEEDED;
  if (error instanceof ApiProblem) return error.problem;
  return { title: 'The verifier cannot be reached', detail: 'Look whether it runs; this page tries again by itself.' };
}

export function ProblemText({ error }: { error: Error }) {
  const signIn = useWho()?.signIn ?? null;
  const problem = words(error, signIn);
  const { title, detail } = problem;
  return (
    <div
      role="alert"
      data-tone={problem === SIGN_IN_NEEDED || problem === TOKEN_NEEDED ? 'caution' : 'bad'}
      className="mt-4 rounded-lg border border-tone-line bg-tone-soft p-4 text-tone"
    >
      <p className="font-semibold">{title}</p>
      <p className="mt-1 text-sm wrap-anywhere">{detail}</p>
      {problem === SIGN_IN_NEEDED && signIn !== null && (
        <p className="mt-3">
          <SignInLink signIn={signIn} />
        </p>
      )}
      {problem === TOKEN_NEEDED && (
        <button type="button" onClick={openToken} className="mt-3 button">
          Paste the token
        </button>
      )}
    </div>
  );
}

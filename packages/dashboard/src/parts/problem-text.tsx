import { ApiProblem } from '../api/documents.ts';
import { openToken } from '../state/overlay.ts';

const TOKEN_NEEDED = {
  title: 'This verifier wants the operator’s token',
  detail:
    'Open the page with the address that the verifier printed when it started; it ends in #token=… . Or paste it here.',
};

function words(error: Error): { title: string; detail: string } {
  if (error instanceof ApiProblem && error.problem.status === 401) return TOKEN_NEEDED;
  if (error instanceof ApiProblem) return error.problem;
  return { title: 'The verifier cannot be reached', detail: 'Look whether it runs; this page tries again by itself.' };
}

export function ProblemText({ error }: { error: Error }) {
  const problem = words(error);
  const { title, detail } = problem;
  return (
    <div role="alert" data-tone="bad" className="mt-4 rounded-lg border border-tone-line bg-tone-soft p-4 text-tone">
      <p className="font-semibold">{title}</p>
      <p className="mt-1 text-sm wrap-anywhere">{detail}</p>
      {problem === TOKEN_NEEDED && (
        <button type="button" onClick={openToken} className="mt-3 button">
          Paste the token
        </button>
      )}
    </div>
  );
}

import { useMutation } from '@tanstack/react-query';
import { type SubmitEvent, useState } from 'react';
import { ApiProblem } from '../api/documents.ts';
import { eventStream } from '../api/live.ts';
import { whoHas } from '../api/who.ts';
import { Modal } from '../parts/modal.tsx';
import { ProblemText } from '../parts/problem-text.tsx';
import { forgetToken, keepToken, useOperatorToken } from '../state/operator-token.ts';
import { Person } from './person.tsx';
import { toast } from '../state/toasts.ts';
import { closeOverlay } from '../state/overlay.ts';

/** What a header can carry; anything else is no token of any verifier. */
const SENDABLE = /^[\x21-\x7e]+$/;

/** @returns whether it is somebody's */
async function isKnown(token: string): Promise<boolean> {
  if (!SENDABLE.test(token)) return false;
  try {
    return (await whoHas(token)).principal !== null;
  } catch (error) {
    if (error instanceof ApiProblem && error.problem.status === 401) return false;
    throw error;
  }
}

function take(token: string): void {
  keepToken(token);
  eventStream.connect();
  closeOverlay();
  toast('good', 'The token is kept for this tab.');
}

function forget(): void {
  forgetToken();
  eventStream.connect();
  closeOverlay();
  toast('quiet', 'The token is forgotten.');
}

/** A token is a secret: it is typed as a password, kept for this tab, and never in the address. */
export function TokenDialog() {
  const token = useOperatorToken();
  const [typed, setTyped] = useState('');
  const { mutate, isPending, error, data, reset } = useMutation({
    mutationFn: isKnown,
    onSuccess: (known, given) => known && take(given),
  });
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (typed.trim() !== '') mutate(typed.trim());
  };
  const type = (text: string): void => {
    setTyped(text);
    reset();
  };
  return (
    <Modal label="Who acts" onClose={closeOverlay} className="p-6 sm:p-8">
      <h2 className="font-display text-2xl font-semibold tracking-tight">Who acts</h2>
      <Person />
      <p className="mt-4 text-muted">
        With a token this tab may do what its role may: capture reference values, approve, deny. On the machine of the
        verifier, <code className="font-mono text-sm">npm start</code> printed the address that brings the operator’s;
        others are made by <code className="font-mono text-sm">assay verifier token create</code>.
      </p>
      <form onSubmit={submit} className="mt-5 flex flex-wrap gap-3">
        <label className="min-w-0 flex-1 basis-56">
          <span className="sr-only">Token</span>
          <input
            type="password"
            autoComplete="off"
            value={typed}
            onChange={(event) => type(event.target.value)}
            aria-invalid={data === false}
            aria-describedby="token-fault"
            placeholder={token === null ? 'Paste a token' : 'Paste another token'}
            className="field w-full"
          />
        </label>
        <button type="submit" disabled={typed.trim() === '' || isPending} className="button-primary">
          Use it
        </button>
        {token !== null && (
          <button type="button" onClick={forget} className="button">
            Forget the present one
          </button>
        )}
      </form>
      <p id="token-fault" role="status" data-tone="bad" className="mt-2 text-sm text-tone empty:hidden">
        {data === false &&
          'The verifier does not know this token: it is not whole, has expired, was revoked, or is of another verifier.'}
      </p>
      {error !== null && <ProblemText error={error} />}
    </Modal>
  );
}

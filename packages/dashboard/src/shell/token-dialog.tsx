import { type SubmitEvent, useState } from 'react';
import { eventStream } from '../api/live.ts';
import { Modal } from '../parts/modal.tsx';
import { forgetToken, keepToken, useOperatorToken } from '../state/operator-token.ts';
import { Person } from './person.tsx';
import { toast } from '../state/toasts.ts';
import { closeOverlay } from '../state/overlay.ts';

function take(token: string): void {
  keepToken(token);
  // The stream is what tells whether the verifier takes it.
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
  const submit = (event: SubmitEvent) => {
    event.preventDefault();
    if (typed.trim() !== '') take(typed.trim());
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
            onChange={(event) => setTyped(event.target.value)}
            placeholder={token === null ? 'Paste a token' : 'Paste another token'}
            className="field w-full"
          />
        </label>
        <button type="submit" disabled={typed.trim() === ''} className="button-primary">
          Use it
        </button>
        {token !== null && (
          <button type="button" onClick={forget} className="button">
            Forget the present one
          </button>
        )}
      </form>
    </Modal>
  );
}

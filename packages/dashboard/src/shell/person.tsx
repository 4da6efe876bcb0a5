import { useState } from 'react';
import { signOut, useWho } from '../api/who.ts';
import { ProblemText } from '../parts/problem-text.tsx';
import { SignInLink } from '../parts/sign-in-link.tsx';
import { ClockTime } from '../parts/time-text.tsx';

/** Who signed in, with the way out; else the way in, where there is one. */
export function Person() {
  const who = useWho();
  const [problem, setProblem] = useState<Error | null>(null);
  const [provider, setProvider] = useState<string | null>(null);
  const leave = async () => {
    try {
      setProvider((await signOut()).providerSignOut);
    } catch (error) {
      setProblem(error instanceof Error ? error : new Error(String(error)));
    }
  };
  if (who === undefined) return null;
  const { principal, signIn } = who;
  return (
    <>
      {principal !== null && (
        <p className="mt-2 text-muted">
          You act as <strong className="font-semibold wrap-anywhere text-ink">{principal.name}</strong>, with the role{' '}
          {principal.role}
          {principal.expiresAt !== null && (
            <>
              , until <ClockTime at={principal.expiresAt} />
            </>
          )}
          .
        </p>
      )}
      <div className="mt-4 flex flex-wrap items-center gap-3">
        {principal?.by === 'session' && (
          <button type="button" onClick={() => void leave()} className="button">
            Sign out
          </button>
        )}
        {principal === null && signIn !== null && <SignInLink signIn={signIn} />}
        {provider !== null && (
          <a href={provider} className="underline">
            Sign out of the identity provider, too
          </a>
        )}
      </div>
      {problem !== null && <ProblemText error={problem} />}
    </>
  );
}

import type { ReactNode } from 'react';
import { eventStream, useConnection } from '../api/live.ts';
import { useWho } from '../api/who.ts';
import { Icon } from '../parts/icon.tsx';
import { SignInLink } from '../parts/sign-in-link.tsx';
import { useNow } from '../state/now.ts';
import { useOperatorToken } from '../state/operator-token.ts';
import { openToken } from '../state/overlay.ts';
import { clockWords } from '../text/time.ts';

interface BannerProps {
  readonly title: string;
  /** What more is known of it. */
  readonly why?: string | null;
  /** Milliseconds of this browser's clock: from when on nothing was heard. */
  readonly since: number;
  /** What can be done. */
  readonly children: ReactNode;
}

function Banner({ title, why = null, since, children }: BannerProps) {
  return (
    <aside aria-label="Connection" data-tone="bad" className="border-b border-tone-line bg-tone-soft text-tone">
      <div className="page-width flex flex-wrap items-center gap-x-4 gap-y-2 py-3">
        <Icon name="alert" className="size-5" />
        <p className="min-w-0 flex-1 basis-60 text-sm">
          <strong role="alert">{title}</strong> {why !== null && `${why} `}What you see is from{' '}
          <span className="digits">{clockWords(since)}</span> and may no longer be true.
        </p>
        {children}
      </div>
    </aside>
  );
}

const BUTTON = 'rounded-lg border border-tone-line bg-surface px-3 py-1.5 text-sm font-semibold';

function WayIn() {
  const token = useOperatorToken();
  const signIn = useWho()?.signIn ?? null;
  if (token === null && signIn !== null) return <SignInLink signIn={signIn} apart />;
  return (
    <button type="button" onClick={openToken} className={BUTTON}>
      Give another token
    </button>
  );
}

/** Shown while the verifier cannot be reached, or does not take this page: what is on it is old, and says so. */
export function ConnectionBanner() {
  const connection = useConnection();
  useNow();
  if (connection.state === 'refused' && connection.since !== null) {
    return (
      <Banner title="The verifier does not let this tab in any more." since={connection.since}>
        <WayIn />
      </Banner>
    );
  }
  if (connection.state !== 'lost') return null;
  const { full, since, retryAt } = connection;
  const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
  const title = full === null ? 'The verifier cannot be reached.' : 'The verifier takes no more pages.';
  return (
    <Banner title={title} why={full} since={since}>
      <p className="digits text-sm">{seconds === 0 ? 'Trying…' : `Next try in ${seconds} s`}</p>
      <button type="button" onClick={eventStream.connect} className={BUTTON}>
        Try now
      </button>
    </Banner>
  );
}

import { eventStream, useConnection } from '../api/live.ts';
import { useNow } from '../state/now.ts';
import { clockWords } from '../text/time.ts';
import { Icon } from '../parts/icon.tsx';

/** Shown while the verifier cannot be reached, or does not take this page: what is on the page is old, and says so. */
export function ConnectionBanner() {
  const connection = useConnection();
  useNow();
  if (connection.state !== 'lost') return null;
  const seconds = Math.max(0, Math.ceil((connection.retryAt - Date.now()) / 1000));
  return (
    <aside aria-label="Connection" data-tone="bad" className="border-b border-tone-line bg-tone-soft text-tone">
      <div className="page-width flex flex-wrap items-center gap-x-4 gap-y-2 py-3">
        <Icon name="alert" className="size-5" />
        <p className="min-w-0 flex-1 basis-60 text-sm">
          <strong role="alert">
            {connection.full === null ? 'The verifier cannot be reached.' : 'The verifier takes no more pages.'}
          </strong>{' '}
          {connection.full !== null && `${connection.full} `}What you see is from{' '}
          <span className="digits">{clockWords(connection.since)}</span> and may no longer be true.
        </p>
        <p className="digits text-sm">{seconds === 0 ? 'Trying…' : `Next try in ${seconds} s`}</p>
        <button
          type="button"
          onClick={eventStream.connect}
          className="rounded-lg border border-tone-line bg-surface px-3 py-1.5 text-sm font-semibold"
        >
          Try now
        </button>
      </div>
    </aside>
  );
}

import type { ErrorComponentProps } from '@tanstack/react-router';
import { useEffect, useRef } from 'react';
import type { Connection } from '../api/events.ts';
import { useConnection } from '../api/live.ts';

/** Loads everything again once the verifier answers that could not be reached: what is missing is there then. */
function useLoadWhenBack(state: Connection['state']): void {
  const wasLost = useRef(false);
  useEffect(() => {
    if (state === 'lost') wasLost.current = true;
    else if (state === 'live' && wasLost.current) location.reload();
  }, [state]);
}

/** A page whose file could not be loaded, for instance because the verifier was updated meanwhile, or that broke. */
export function PageFailed({ error }: ErrorComponentProps) {
  const { state } = useConnection();
  useLoadWhenBack(state);
  return (
    <section data-tone="bad" className="card p-8">
      <h1 className="font-display text-3xl font-semibold tracking-tight">This page could not be shown</h1>
      <p className="mt-3 max-w-prose text-muted">
        Perhaps the verifier was updated since this tab was opened, or cannot be reached; then the page comes by itself
        when it is back. What was said:
      </p>
      <p className="mt-3 font-mono text-sm wrap-anywhere text-tone">
        {error instanceof Error ? error.message : String(error)}
      </p>
      {state !== 'lost' && (
        <button type="button" onClick={() => location.reload()} className="button-primary mt-6">
          Load again
        </button>
      )}
    </section>
  );
}

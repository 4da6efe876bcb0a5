import type { ErrorComponentProps } from '@tanstack/react-router';

/** A page whose file could not be loaded, for instance because the verifier was updated meanwhile, or that broke. */
export function PageFailed({ error }: ErrorComponentProps) {
  return (
    <section data-tone="bad" className="card p-8">
      <h1 className="font-display text-3xl font-semibold tracking-tight">This page could not be shown</h1>
      <p className="mt-3 max-w-prose text-muted">
        Perhaps the verifier was updated since this tab was opened, or cannot be reached. What it said:
      </p>
      <p className="mt-3 font-mono text-sm wrap-anywhere text-tone">
        {error instanceof Error ? error.message : String(error)}
      </p>
      <button type="button" onClick={() => location.reload()} className="button-primary mt-6">
        Load again
      </button>
    </section>
  );
}

import type { Context } from '../../context.ts';
import type { PolicyTrust } from '../signers.ts';
import type { PolicySource } from './source.ts';
import { syncPolicies } from './sync.ts';

export interface PolicyReader {
  /** Looks at once, or as soon as the look that is under way has ended. */
  look(): void;
  /** Waits for what has begun. */
  stop(): Promise<void>;
}

/** Looks at the source now, at intervals, and whenever it is told to; one look at a time. */
export function startPolicyReader(
  context: Context,
  source: PolicySource,
  trust: PolicyTrust,
  seconds: number,
): PolicyReader {
  const stop = new AbortController();
  let again = false;
  let running: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    again = running !== undefined;
    if (again || stop.signal.aborted) return;
    clearTimeout(timer);
    running = syncPolicies(context, source, trust, stop.signal)
      .catch((error: unknown) => context.log(`policies of ${source.origin}: ${String(error)}`))
      .then(() => {
        running = undefined;
        if (stop.signal.aborted) return;
        if (again) look();
        else timer = setTimeout(look, 1000 * seconds);
      });
  };
  look();
  return {
    look,
    stop: async () => {
      stop.abort();
      clearTimeout(timer);
      await running;
    },
  };
}

import type { Context } from '../context.ts';
import { deliverDue } from './deliver.ts';
import { renewAlerts } from './renew.ts';
import type { Sink } from './sinks.ts';

const PAUSE_MILLISECONDS = 1000;
/** A store with very many findings is not asked all the time: most of the time goes to rounds. */
const PAUSES_PER_PASS = 10;

/**
 * Renews alerts and sends what is due, until it is stopped. What was not sent then is sent by the next verifier.
 * @returns stops it, and waits for what has begun
 */
export function startAlerter(
  context: Pick<Context, 'database' | 'now' | 'log'>,
  sinks: readonly Sink[],
): () => Promise<void> {
  let stopped = false;
  let timer: NodeJS.Timeout;
  let running = Promise.resolve();
  const begin = (): void => {
    const started = performance.now();
    running = pass(context, sinks).then(() => {
      const pause = Math.max(PAUSE_MILLISECONDS, PAUSES_PER_PASS * (performance.now() - started));
      if (!stopped) timer = setTimeout(begin, pause);
    });
  };
  timer = setTimeout(begin, PAUSE_MILLISECONDS);
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await running;
  };
}

async function pass(
  { database, now, log }: Pick<Context, 'database' | 'now' | 'log'>,
  sinks: readonly Sink[],
): Promise<void> {
  try {
    await renewAlerts(database, sinks, now());
    await deliverDue(database, sinks, now);
  } catch (error) {
    log(`alerts: ${String(error)}`);
  }
}

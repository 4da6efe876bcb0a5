import { EXIT } from '../exit.ts';

/** One Ctrl-C can arrive more than once: from the terminal, and passed on by npm or by the Node that handed over. */
const SAME_PRESS_MILLISECONDS = 1000;

/**
 * Resolves at the first signal. A later one ends the process at once, for whoever will not wait for an orderly end; the
 * loss of the terminal is no such wish.
 * @param reload what SIGHUP is for, where that is not the end
 */
export function stopSignal(reload?: () => void): Promise<void> {
  return new Promise((resolve) => {
    let first: number | undefined;
    const ask = (name: NodeJS.Signals): void => {
      if (first === undefined) resolve();
      else if (name !== 'SIGHUP' && performance.now() - first > SAME_PRESS_MILLISECONDS) process.exit(EXIT.interrupted);
      first ??= performance.now();
    };
    for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, ask);
    process.on('SIGHUP', reload ?? ask);
  });
}

import { AssayError } from '@assay/core/errors';
import { UsageError } from './lab-arguments.ts';

/** Apart from what scripts in a guest exit with, as env(1) and timeout(1) choose them. */
const EXIT = { usage: 2, timeout: 124, lab: 125, interrupted: 130 } as const;

export function onStep(sentence: string): void {
  console.error(`lab: ${sentence}`);
}

/** Runs a command of the lab to its end, aborts it by a signal, and sets the exit code of this process. */
export async function interruptible(command: (signal: AbortSignal) => Promise<number>): Promise<void> {
  const interrupt = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => interrupt.abort());
  try {
    process.exitCode = await command(interrupt.signal);
  } catch (error) {
    process.exitCode = interrupt.signal.aborted ? EXIT.interrupted : report(error);
  }
}

/** @returns the exit code */
function report(error: unknown): number {
  const { message } = error instanceof Error ? error : new Error(String(error));
  if (error instanceof UsageError) {
    console.error(`lab: ${message}; --help says more`);
    return EXIT.usage;
  }
  console.error(`lab: ${error instanceof AssayError ? `${error.code}: ` : ''}${message}`);
  return error instanceof AssayError && error.code === 'LAB-TIMEOUT' ? EXIT.timeout : EXIT.lab;
}

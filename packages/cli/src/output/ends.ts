import { EXIT } from '../exit.ts';

/**
 * Ends the command when nobody takes its output any more. A command that runs until a signal ends in order, as when its
 * terminal is closed; others end at once, quietly where the reader has seen enough, such as `head`.
 */
export function followOutput(): void {
  process.stdout.once('error', (error: NodeJS.ErrnoException) => {
    process.stdout.on('error', () => undefined);
    if (process.emit('SIGHUP', 'SIGHUP')) return;
    if (error.code === 'EPIPE') process.exit();
    process.stderr.write(`error ${error.code}: the output cannot be written\n`);
    process.exit(EXIT.unreadable);
  });
  process.stderr.on('error', () => undefined);
}

import { colours, shown } from './terminal.ts';

/** What became of a message to a sink. @param failure why it did not take it, or null */
export function sinkFate(failure: string | null): string {
  const colour = colours(1);
  return failure === null ? colour.green('sent') : `${colour.red('failed')}: ${shown(failure)}`;
}

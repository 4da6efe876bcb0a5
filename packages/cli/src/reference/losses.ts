import type { Loss } from '@assay/core/reference';
import { shown } from '../output/terminal.ts';

/** What a conversion could not carry over, a line each. */
export function lossesText(losses: readonly Loss[]): string {
  return losses
    .map(({ member, reason, count, examples }) => {
      const number = count === 0 ? '' : `${count} left out: `;
      const first =
        examples.length === 0 ? '' : ` (${shown(examples.join(', '))}${count > examples.length ? ', …' : ''})`;
      return `${shown(member)}: ${number}${reason}${first}\n`;
    })
    .join('');
}

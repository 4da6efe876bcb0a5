import type { MeasurementEntry } from '../measurement/index.ts';
import type { Explanation } from './findings.ts';

/** Why boot_aggregate may not be that of the quoted PCRs. @param covered whether it is of the bank that is quoted */
export function explainBootAggregate({ number, fields }: MeasurementEntry, covered: boolean): Explanation[] {
  if (!covered) {
    const bank = fields.digest?.algorithm ?? 'another';
    const cause = `The kernel took the ${bank} bank: the TPM's SHA-256 bank is not active, or ima_hash= names another.`;
    return [{ cause, confidence: 'high' }];
  }
  if (number > 1) {
    const cause = 'The machine was started by kexec, and the boot PCRs were extended in between.';
    return [{ cause, confidence: 'medium' }];
  }
  return [
    { cause: 'The list was recorded in another boot, or on another machine.', confidence: 'medium' },
    {
      cause: 'The TPM was reset or restarted while the machine ran, which a machine with a software TPM can do.',
      confidence: 'low',
    },
  ];
}

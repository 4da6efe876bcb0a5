import { FINDING_CODES, type VerificationCode } from '../errors/index.ts';
import type { Explanation } from './findings.ts';

/** Why a list may have lost entries; what is removed at its beginning need not be hostile. */
const CAUSES: Readonly<Partial<Record<VerificationCode, readonly Explanation[]>>> = {
  'IMA-LOG-TRIMMED': [
    {
      cause:
        'A program on the host trimmed the list, as Linux lets root do since 7.2, before the agent had sent it, or removed the archive of its engine.',
      confidence: 'medium',
    },
    { cause: 'Somebody removed entries to hide what ran.', confidence: 'low' },
  ],
  'IMA-LOG-SHORT': [
    {
      cause:
        'Somebody removed entries at the end of the list or in its middle: trimming takes them from its beginning.',
      confidence: 'medium',
    },
    { cause: 'The machine was set back to a snapshot, and its TPM with it.', confidence: 'low' },
  ],
};

/** Why evidence may have been refused, the likeliest first. */
export function explainRefusal(code: VerificationCode): readonly Explanation[] {
  return CAUSES[code] ?? [{ cause: FINDING_CODES[code].meaning, confidence: 'high' }];
}

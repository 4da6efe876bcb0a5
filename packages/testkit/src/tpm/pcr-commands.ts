import { DIGESTS_PER_READ, pcrExtend, pcrRead, type PcrSelection } from '@assay/core/tpm';
import { handler, type Handler } from './handler.ts';
import { needsOtherLocality } from './pcr-banks.ts';
import { RC, Refusal } from './refusal.ts';

/** The first PCRs of a selection; the banks after them stay with none. */
function firstOf(selection: readonly PcrSelection[], limit: number): PcrSelection[] {
  let left = limit;
  return selection.map(({ bank, pcrs }) => {
    const taken = pcrs.slice(0, left);
    left -= taken.length;
    return { bank, pcrs: taken };
  });
}

export const pcrCommands: readonly Handler[] = [
  handler(pcrRead, [], ({ pcrs }, { selection }) => {
    const read = firstOf(pcrs.existing(selection), DIGESTS_PER_READ);
    return { updateCounter: pcrs.updateCounter, selection: read, values: pcrs.values(read) };
  }),
  handler(pcrExtend, ['pcr'], ({ pcrs }, { pcr, digests }) => {
    if (needsOtherLocality(pcr)) throw new Refusal(RC.LOCALITY);
    for (const { algorithm, digest } of digests) pcrs.extend(pcr, algorithm, digest);
    return {};
  }),
];

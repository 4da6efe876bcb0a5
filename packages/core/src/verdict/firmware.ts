import { severityOf, type FindingDraft } from './findings.ts';

/** What to say of a TPM whose quotes name another firmware than before. */
export function firmwareFinding(host: string, before: bigint, now: bigint): FindingDraft {
  const code = 'TPM-FIRMWARE-CHANGED';
  return {
    code,
    severity: severityOf(code),
    sentence: `The TPM runs firmware ${versionText(now)} now; it was ${versionText(before)} in the round before.`,
    evidence: { entry: null, template: null, digest: null, filenameHint: null },
    explanation: [
      { cause: 'The firmware of the TPM was updated.', confidence: now > before ? 'high' : 'low' },
      ...(now > before
        ? []
        : [
            {
              cause: 'An older firmware was put into the TPM, which may have known faults.',
              confidence: 'high',
            } as const,
          ]),
    ],
    next: ['assay tpm info', `assay hosts get ${host}`],
  };
}

/** As `assay tpm info` has it: two pairs of numbers, of which the maker tells the meaning. */
function versionText(version: bigint): string {
  return [48n, 32n, 16n, 0n].map((shift) => (version >> shift) & 0xffffn).join('.');
}

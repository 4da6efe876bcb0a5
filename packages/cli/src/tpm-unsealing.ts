import { TpmResponseError, type SealedFile } from '@assay/core/tpm';
import { unsealData, type Tpm } from '@assay/linux/tpm';

/** Format-one errors of a TPM that say why it does not unseal (TPM 2.0 Part 2, clause 6.6.3). */
const REFUSALS = new Map<number, UnsealRefusal>([
  [0x1d, { reason: 'pcrs', sentence: 'the PCRs do not have the values that it was sealed to' }],
  [0x1f, { reason: 'other-tpm', sentence: 'another TPM sealed it, or it was changed' }],
  [0x0e, { reason: 'password', sentence: 'the password is wrong' }],
  [0x22, { reason: 'password', sentence: 'the password is wrong' }],
]);

const REMEDIES: Readonly<Record<UnsealRefusal['reason'], string>> = {
  pcrs: 'Boot what ran when it was sealed, and unseal there. If the change is to stay, seal another copy to the new values.',
  'other-tpm': 'Unseal it on the machine that sealed it, from the file as it was written; else seal another copy here.',
  password: 'Give the one that it was sealed with. A TPM counts wrong ones, and after some it refuses all for a while.',
};

export interface UnsealRefusal {
  readonly reason: 'pcrs' | 'other-tpm' | 'password';
  readonly sentence: string;
}

export type UnsealAnswer = { readonly data: Uint8Array } | UnsealRefusal;

/** What a TPM answers to a sealed file. @throws SystemError TPM-RESPONSE for what says nothing about its conditions */
export async function unsealFile(tpm: Tpm, file: SealedFile, password?: Uint8Array): Promise<UnsealAnswer> {
  const policy = { selection: file.pcrs?.selection ?? [], password: file.password };
  const given = password === undefined ? {} : { passwordValue: password };
  try {
    return { data: await unsealData(tpm, file, { ...policy, ...given }) };
  } catch (error) {
    const refusal = error instanceof TpmResponseError ? refusalOf(error.responseCode) : undefined;
    if (refusal === undefined) throw error;
    return refusal;
  }
}

function refusalOf(responseCode: number): UnsealRefusal | undefined {
  return (responseCode & 0x80) === 0 ? undefined : REFUSALS.get(responseCode & 0x3f);
}

/** What to do about a refusal, in words. */
export function remedyOfRefusal({ reason }: UnsealRefusal): string {
  return REMEDIES[reason];
}

import { equalBytes } from '@assay/core/bytes';
import { SystemError } from '@assay/core/errors';
import type { HashName } from '@assay/core/hash';
import { nodeHasher } from '@assay/core/node';
import { parseAttest, pcrComposite, type BankValues, type PcrSelection } from '@assay/core/tpm';
import { readSelected } from './seal.ts';
import type { Tpm } from './tpm.ts';

/** A PCR that is extended between reading and quoting spoils the pair; even a busy host leaves room for one of these. */
const ATTEMPTS = 20;

export interface QuoteWithValues {
  /** TPMS_ATTEST. */
  readonly message: Uint8Array;
  /** TPMT_SIGNATURE. */
  readonly signature: Uint8Array;
  readonly values: BankValues;
}

/**
 * A quote and the PCR values that it covers.
 * @param ak.hash of its signatures
 * @throws SystemError TPM-BANK, TPM-UNREACHABLE, and TPM-RESPONSE too when the PCRs do not stand still long enough
 */
export async function quoteWithValues(
  tpm: Tpm,
  ak: { readonly handle: number; readonly hash: HashName },
  extraData: Uint8Array,
  selection: readonly PcrSelection[],
): Promise<QuoteWithValues> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const values = await readSelected(tpm, selection);
    const { message, signature } = await tpm.quote(ak.handle, extraData, selection);
    const { attested } = parseAttest(message, 'quote');
    const composite = pcrComposite(nodeHasher, ak.hash, selection, values);
    if (attested.kind === 'quote' && equalBytes(attested.pcrDigest, composite)) return { message, signature, values };
  }
  throw new SystemError('TPM-RESPONSE', `the PCRs changed during each of ${ATTEMPTS} quotes`);
}

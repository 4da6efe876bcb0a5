import { fromBase64 } from '@assay/core/bytes';
import { VerificationError } from '@assay/core/errors';
import { POSSESSION_SELECTION, possessionDigest } from '@assay/core/evidence';
import { nodeCrypto, nodeHasher } from '@assay/core/node';
import { checkAttestationKey, parsePublic, verifyQuote } from '@assay/core/tpm';
import type { ActivateRequest } from '@assay/wire';
import type { Context } from '../context.ts';
import { pcrValues } from '../rounds/verify.ts';
import type { EnrolmentRow } from '../store/schema.ts';

export function wantsPossession(
  { akAuthorities }: Pick<Context, 'akAuthorities'>,
  { ak_certificates }: Pick<EnrolmentRow, 'ak_certificates'>,
): boolean {
  return ak_certificates !== null && akAuthorities.length > 0;
}

/**
 * That the host has the attestation key whose certificate it sent: certificates are no secret, and who made up an
 * endorsement key opens each credential for it.
 * @throws VerificationError AK-CERTIFICATE without a proof, and those of `verifyQuote`; FormatError
 */
export function checkPossession(
  { id, ak_public }: Pick<EnrolmentRow, 'id' | 'ak_public'>,
  secret: Uint8Array,
  possession: ActivateRequest['possession'],
): void {
  if (possession === undefined) {
    throw new VerificationError('AK-CERTIFICATE', 'the attestation key that the certificate is for signed nothing');
  }
  const ak = checkAttestationKey(parsePublic(ak_public), nodeHasher);
  const extraData = possessionDigest(nodeHasher, { nonce: secret, session: id, akName: ak.name });
  const { quote, pcrs } = possession;
  const [message, signature] = [fromBase64(quote.message), fromBase64(quote.signature)];
  const covered = {
    selection: [POSSESSION_SELECTION],
    pcrValues: new Map([[POSSESSION_SELECTION.bank, pcrValues(pcrs)]]),
  };
  verifyQuote({ message, signature, ak, extraData, ...covered }, nodeCrypto);
}

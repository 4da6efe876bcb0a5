import { equalBytes } from '../bytes/index.ts';
import { FormatError } from '../errors/index.ts';
import { publicKeyBits, type ParsedCertificate, type PublicKey } from '../keys/index.ts';

/** tcg-kp-EKCertificate, 2.23.133.8.1 (TCG EK credential profile 2.5, section 3.2.16). */
export const EK_USE = '6781050801';

const MAX_SENT = 16;

/** Whether a certificate is of this very key, so that one of a TPM lends no trust to a key from elsewhere. */
export function isForKey({ publicKey }: ParsedCertificate, key: PublicKey): boolean {
  return publicKey.kind === key.kind && equalBytes(publicKeyBits(publicKey), publicKeyBits(key));
}

/** @param sent certificates that a host sent along with that of its key @throws FormatError BYTES-LIMIT for over 16 */
export function refuseTooMany(sent: readonly ParsedCertificate[]): void {
  if (sent.length > MAX_SENT) throw new FormatError('BYTES-LIMIT', `over ${MAX_SENT} certificates came with one key`);
}

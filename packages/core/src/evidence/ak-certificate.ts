import { VerificationError } from '../errors/index.ts';
import type { ParsedCertificate, SignatureVerifier } from '../keys/index.ts';
import type { VerifiedAttestationKey } from '../tpm/index.ts';
import { hasKeyUsage, mayBeUsedFor, mayBeUsedToSign, verifyPath, type VerifiedCertificate } from '../x509/index.ts';
import { cloudInstance, type CloudInstance } from './cloud-instance.ts';
import { EK_USE, isForKey, refuseTooMany } from './key-certificate.ts';

/** tcg-kp-AIKCertificate, 2.23.133.8.3. */
const AK_USE = '6781050803';

export interface AkCertificateInput {
  readonly certificate: ParsedCertificate;
  /** Certificates that the host sent along, at most 16; nothing is believed of them. */
  readonly sent: readonly ParsedCertificate[];
  /** Authorities that the verifier trusts to vouch for attestation keys. */
  readonly anchors: readonly ParsedCertificate[];
  /** The key that signs the quotes. */
  readonly ak: VerifiedAttestationKey;
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  readonly now: number;
}

/** An attestation key that a trusted authority put into a virtual TPM. Only `verifyAkCertificate` makes one. */
class CertifiedAk {
  readonly #path: VerifiedCertificate;
  readonly ak: VerifiedAttestationKey;
  /** Which machine it is, by the word of the authority; absent where the certificate does not say, as Azure's. */
  readonly instance?: CloudInstance;

  constructor(path: VerifiedCertificate, ak: VerifiedAttestationKey, instance: CloudInstance | undefined) {
    this.#path = path;
    this.ak = ak;
    if (instance !== undefined) this.instance = instance;
  }

  /** From the certificate of the key to the trusted authority. */
  get path(): readonly ParsedCertificate[] {
    return this.#path.path;
  }
}

export type VerifiedAkCertificate = CertifiedAk;

/**
 * That a trusted authority vouches for this attestation key: the key of the certificate is the one that is used. That the
 * host has it, only what it signs shows: certificates are no secret.
 * @throws VerificationError AK-CERTIFICATE and the CERT codes of `verifyPath`
 * @throws FormatError DER-FORM, BYTES-LIMIT
 */
export function verifyAkCertificate(input: AkCertificateInput, signatures: SignatureVerifier): VerifiedAkCertificate {
  const { certificate, sent, anchors, ak, now } = input;
  if (!isForKey(certificate, ak.key)) {
    throw new VerificationError('AK-CERTIFICATE', 'the certificate is for another key than the attestation key in use');
  }
  refuseTooMany(sent);
  // Google restricts its authorities to endorsement keys, and the older of them also what they sign, for keys of both kinds,
  // which the key usage tells apart there.
  const uses = { use: mayBeUsedFor(certificate, AK_USE) ? AK_USE : EK_USE, authorityUses: [AK_USE, EK_USE] };
  const path = verifyPath({ leaf: certificate, intermediates: sent, anchors, ...uses, now }, signatures);
  if (!mayBeUsedToSign(certificate) || (uses.use === EK_USE && !hasKeyUsage(certificate))) {
    throw new VerificationError('CERT-USE', 'the certificate of the attestation key does not let it sign (keyUsage)');
  }
  return new CertifiedAk(path, ak, cloudInstance(certificate));
}

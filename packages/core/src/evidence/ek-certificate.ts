import { VerificationError } from '../errors/index.ts';
import type { ParsedCertificate, SignatureVerifier } from '../keys/index.ts';
import type { VerifiedEndorsementKey } from '../tpm/index.ts';
import {
  alternativeNames,
  DIRECTORY_NAME,
  nameAttributes,
  verifyPath,
  type VerifiedCertificate,
} from '../x509/index.ts';
import { EK_USE, isForKey, refuseTooMany } from './key-certificate.ts';

/** Attributes 2.23.133.2.1 to .3 (same profile, section 3.2.9). */
const TPM_ATTRIBUTES = { '6781050201': 'manufacturer', '6781050202': 'model', '6781050203': 'version' } as const;

/** What a maker says of its TPM. Text of the certificate: escape it before it is shown. */
export interface TpmIdentity {
  /** Such as `id:49465800`: four characters in hexadecimal. */
  readonly manufacturer: string;
  readonly model?: string;
  readonly version?: string;
}

export interface EkCertificateInput {
  readonly certificate: ParsedCertificate;
  /** Certificates that the host sent along, at most 16; nothing is believed of them. */
  readonly sent: readonly ParsedCertificate[];
  /** Certificates of authorities that whoever verifies has at hand; nothing is believed of them either. */
  readonly known: readonly ParsedCertificate[];
  /** Authorities that the verifier trusts to vouch for TPMs. */
  readonly anchors: readonly ParsedCertificate[];
  /** The key that the host activates its attestation key with. */
  readonly ek: VerifiedEndorsementKey;
  /** Milliseconds since 1970-01-01T00:00:00Z. */
  readonly now: number;
}

/** An endorsement key that a trusted maker put into a TPM. Only `verifyEkCertificate` makes one. */
class CertifiedEk {
  readonly #path: VerifiedCertificate;
  readonly ek: VerifiedEndorsementKey;
  /** Absent where the certificate does not name the TPM, as those of some clouds do not. */
  readonly tpm?: TpmIdentity;

  constructor(path: VerifiedCertificate, ek: VerifiedEndorsementKey, tpm: TpmIdentity | undefined) {
    this.#path = path;
    this.ek = ek;
    if (tpm !== undefined) this.tpm = tpm;
  }

  /** From the endorsement certificate to the trusted authority. */
  get path(): readonly ParsedCertificate[] {
    return this.#path.path;
  }
}

export type VerifiedEkCertificate = CertifiedEk;

/**
 * That a trusted authority vouches for this endorsement key: the key of the certificate is the one that is used, so a
 * certificate of one TPM lends no trust to a key from elsewhere.
 * @throws VerificationError EK-CERTIFICATE and the CERT codes of `verifyPath`
 * @throws FormatError DER-FORM, BYTES-LIMIT
 */
export function verifyEkCertificate(input: EkCertificateInput, signatures: SignatureVerifier): VerifiedEkCertificate {
  const { certificate, sent, known, anchors, ek, now } = input;
  if (!isForKey(certificate, ek.key)) {
    throw new VerificationError('EK-CERTIFICATE', 'the endorsement certificate is for another key than the one in use');
  }
  refuseTooMany(sent);
  const intermediates = [...known, ...sent];
  const path = verifyPath({ leaf: certificate, intermediates, anchors, use: EK_USE, now }, signatures);
  return new CertifiedEk(path, ek, tpmIdentity(certificate));
}

/** What a certificate says of the TPM, verified or not. @throws FormatError DER-FORM; VerificationError EK-CERTIFICATE */
export function tpmIdentity(certificate: ParsedCertificate): TpmIdentity | undefined {
  const directories = alternativeNames(certificate).filter(({ tag }) => tag === DIRECTORY_NAME);
  const found: Record<string, string> = {};
  for (const { type, value } of directories.flatMap(({ content }) => nameAttributes(content))) {
    const name = Object.entries(TPM_ATTRIBUTES).find(([oid]) => oid === type)?.[1];
    if (name === undefined) continue;
    if (name in found) throw new VerificationError('EK-CERTIFICATE', `the certificate names two TPMs: ${name} twice`);
    found[name] = value;
  }
  const { manufacturer, model, version } = found;
  if (manufacturer === undefined) return undefined;
  return { manufacturer, ...(model === undefined ? {} : { model }), ...(version === undefined ? {} : { version }) };
}

/** Such as `IFX` for `id:49465800`; the text itself where it is not of that form. */
export function manufacturerName(manufacturer: string): string {
  const digits = /^id:([0-9A-Fa-f]{8})$/.exec(manufacturer)?.[1];
  const letters = digits?.match(/../g)?.map((pair) => String.fromCharCode(Number.parseInt(pair, 16)));
  const name = letters?.join('').replace(/\0+$/, '').trim();
  return name !== undefined && /^[ -~]+$/.test(name) ? name : manufacturer;
}

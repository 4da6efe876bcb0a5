import { createPrivateKey, type KeyObject } from 'node:crypto';
import { FormatError } from '@assay/core/errors';
import { KEY_PURPOSES, parseCertificate, type ParsedCertificate, type PublicKey } from '@assay/core/keys';
import { certificateBy, nodeSignatures } from '@assay/core/node';
import { certificatePem, nameAttributes, parseCertificates, verifyPath } from '@assay/core/x509';

export interface AuthorityPem {
  readonly certificate: string;
  /** PKCS#8. */
  readonly key: string;
}

const COMMON_NAME = '550403';

/** Certificates of hosts: the common name is the host's id, and the authority signs nothing else. */
export class HostAuthority {
  readonly lifetimeSeconds: number;
  readonly #key: KeyObject;
  readonly #certificate: ParsedCertificate;
  readonly #pem: string;

  /** @throws FormatError KEY-PRIVATE, KEY-UNKNOWN, DER-FORM, PEM-FORM */
  constructor({ certificate, key }: AuthorityPem, lifetimeSeconds: number) {
    const [parsed] = parseCertificates(certificate);
    if (parsed === undefined) throw new FormatError('PEM-FORM', 'the authority of hosts has no certificate');
    this.#certificate = parsed;
    this.#key = createPrivateKey(key);
    this.#pem = certificate;
    this.lifetimeSeconds = lifetimeSeconds;
  }

  /** @returns PEM: the certificate, then that of the authority */
  async issue(host: string, publicKey: PublicKey, now: Date): Promise<string> {
    const { subject, subjectKeyIdentifier: keyIdentifier } = this.#certificate;
    if (keyIdentifier === undefined)
      throw new FormatError('KEY-UNKNOWN', 'the authority of hosts has no key identifier');
    const notAfter = new Date(now.getTime() + this.lifetimeSeconds * 1000);
    const purpose = { kind: 'client' } as const;
    const parameters = { name: host, publicKey, notBefore: now, notAfter, purpose };
    const der = await certificateBy({ key: this.#key, certificate: { subject, keyIdentifier } }, parameters);
    return `${certificatePem(der)}${this.#pem}`;
  }

  /**
   * The id of the host that a certificate is of.
   * @throws VerificationError CERT-CHAIN, CERT-SIGNATURE, CERT-VALIDITY and the others of `verifyPath`; FormatError
   */
  holderOf(der: Uint8Array, now: Date): string {
    const leaf = parseCertificate(der);
    const path = {
      leaf,
      intermediates: [],
      anchors: [this.#certificate],
      use: KEY_PURPOSES.client,
      now: now.getTime(),
    };
    verifyPath(path, nodeSignatures);
    return nameAttributes(leaf.subject).find(({ type }) => type === COMMON_NAME)?.value ?? '';
  }
}

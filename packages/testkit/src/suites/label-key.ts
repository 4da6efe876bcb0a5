import { createHash, type KeyObject } from 'node:crypto';
import { DER, derElement, keyIdOfCertificate, parseCertificate } from '@assay/core/keys';
import type { LabelKey as CertifiedKey } from '@assay/core/label';
import { nodeHasher } from '@assay/core/node';
import { distinguishedName, mintCertificate } from '../certificates/index.ts';

/** A key that signs labels, and the certificate by which a kernel knows it. */
export interface LabelKey {
  readonly certificate: Uint8Array;
  readonly keyId: number;
  readonly privateKey: KeyObject;
}

/** A key of a keyring. @param der its certificate */
export function certifiedKey(der: Uint8Array): CertifiedKey {
  const certificate = parseCertificate(der);
  return { keyId: keyIdOfCertificate(nodeHasher, certificate), publicKey: certificate.publicKey };
}

/** Without subjectKeyIdentifier the kernel could not find the key by the id in a label. */
export function labelKey(
  { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject },
  name: string,
): LabelKey {
  const id = createHash('sha1')
    .update(publicKey.export({ format: 'der', type: 'spki' }))
    .digest();
  const subject = distinguishedName(['550403', name]);
  const extensions = [{ oid: '551d0e', value: derElement(DER.octetString, id) }];
  const certificate = mintCertificate({
    subject,
    key: privateKey,
    issuer: { name: subject, key: privateKey },
    extensions,
    // Kernels take a time of this form from 2050 on only, and never look whether it has come.
    notBefore: '20500101000000Z',
  });
  return { certificate, keyId: keyIdOfCertificate(nodeHasher, parseCertificate(certificate)), privateKey };
}

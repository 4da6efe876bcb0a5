import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { DER, derElement, keyIdOfCertificate, parseCertificate } from '@assay/core/keys';
import { encodeImaLabel } from '@assay/core/label';
import { nodeHasher } from '@assay/core/node';
import { distinguishedName, mintCertificate } from '../certificates/index.ts';

/** A key that signs labels, and the certificate by which a kernel knows it. */
export interface LabelKey {
  readonly certificate: Uint8Array;
  /** Value of security.ima of a file with this content: version 2 over SHA-256. */
  labelOf(content: Uint8Array): Uint8Array;
}

/** A new RSA key. Without subjectKeyIdentifier the kernel could not find it by the id in a label. */
export function makeLabelKey(): LabelKey {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  const identifier = derElement(DER.octetString, createHash('sha1').update(spki).digest());
  const subject = distinguishedName(['550403', 'labels']);
  const extensions = [{ oid: '551d0e', value: identifier }];
  const issuer = { name: subject, key: privateKey };
  // Kernels take a time of this form from 2050 on only, and never look whether it has come.
  const certificate = mintCertificate({ subject, key: spki, issuer, extensions, notBefore: '20500101000000Z' });
  const keyId = keyIdOfCertificate(nodeHasher, parseCertificate(certificate));
  return {
    certificate,
    labelOf: (content) => {
      const signature = sign('sha256', content, privateKey);
      return encodeImaLabel({ kind: 'signature', type: 3, version: 2, algorithm: 'sha256', keyId, signature });
    },
  };
}

import { fromHex, utf8 } from '@assay/core/bytes';
import { DER, derElement, derUnsigned, encodePublicKey } from '@assay/core/keys';
import { parsePublic, publicKeyOf } from '@assay/core/tpm';
import { distinguishedName, mintCertificate, type CertificateOptions, type Extension, type Issuer } from './mint.ts';

export const GCE_INSTANCE_OID = '2b06010401d679020115';

export const DIGITAL_SIGNATURE: Extension = {
  oid: '551d0f',
  critical: true,
  value: derElement(DER.bitString, Uint8Array.of(7, 0x80)),
};

/** What Google Compute Engine says of a machine in the certificates of its keys. */
export function gceInstance(
  instanceName: string,
  instanceId = 'fedcba98',
  more: readonly Uint8Array[] = [],
): Extension {
  const value = derElement(
    DER.sequence,
    derElement(DER.utf8String, utf8('europe-west4-a')),
    derUnsigned(fromHex('0de0b6b3a7640000')),
    derElement(DER.utf8String, utf8('example-project')),
    derUnsigned(fromHex(instanceId)),
    derElement(DER.utf8String, utf8(instanceName)),
    ...more,
  );
  return { oid: GCE_INSTANCE_OID, value };
}

/** Properties as they follow in certificates of today: version 0, in production. */
export const GCE_PROPERTIES = derElement(
  DER.context(0),
  derElement(
    DER.sequence,
    derElement(DER.context(0), derUnsigned(Uint8Array.of(0))),
    derElement(DER.context(1), derElement(DER.boolean, Uint8Array.of(0xff))),
  ),
);

/**
 * The certificate of an attestation key.
 * @param akPublic TPM2B_PUBLIC
 */
export function mintAkCertificate(
  akPublic: Uint8Array,
  issuer: Issuer,
  options: Partial<CertificateOptions> = {},
): Uint8Array<ArrayBuffer> {
  const key = encodePublicKey(publicKeyOf(parsePublic(akPublic)));
  const subject = distinguishedName(['550403', 'machine']);
  return mintCertificate({ subject, key, issuer, extensions: [DIGITAL_SIGNATURE], ...options });
}

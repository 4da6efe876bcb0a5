export {
  DIGITAL_SIGNATURE,
  GCE_INSTANCE_OID,
  GCE_PROPERTIES,
  gceInstance,
  mintAkCertificate,
} from './attestation-key.ts';
export { certifyAsCloud, cloudTemplate } from './cloud.ts';
export {
  alternativeName,
  AUTHORITY,
  authorityConstraints,
  CERTIFICATE_SIGNING,
  distinguishedName,
  extendedKeyUsage,
  mintAuthority,
  mintCertificate,
  nameConstraints,
  type Authority,
  type CertificateOptions,
  type Extension,
  type Issuer,
} from './mint.ts';

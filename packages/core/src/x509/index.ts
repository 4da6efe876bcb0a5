export { hasKeyUsage, mayBeUsedFor, mayBeUsedToSign } from './extensions.ts';
export {
  alternativeNames,
  DIRECTORY_NAME,
  nameAttributes,
  nameText,
  type GeneralName,
  type NameAttribute,
} from './names.ts';
export { verifyPath, type PathInput, type VerifiedCertificate } from './path.ts';
export { certificatePem, parseCertificates } from './pem.ts';

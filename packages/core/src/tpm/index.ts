export { bareKey, checkAttestationKey, type AttestingKey, type VerifiedAttestationKey } from './attestation-key.ts';
export {
  verifyCertify,
  verifyCreation,
  verifyNvCertify,
  verifySessionAudit,
  verifyTime,
  type VerifiedAttestation,
} from './attestations.ts';
export { decode, encode, record, sized, u16, u32, u8, type Codec, type Fields, type Values } from './codec.ts';
export * from './commands/index.ts';
export { pcrComposite, type BankValues, type PcrValues } from './composite.ts';
export { MAX_MESSAGE, OBJECT, PCR_COUNT, TPM_ALG, TPM_HANDLE, TPM_HT, TPM_SE, TPM_ST, TPM_SU } from './constants.ts';
export { credentialKeys, eccPoint, eccSeed, makeCredential, type Credential } from './credential.ts';
export { checkEndorsementKey, type VerifiedEndorsementKey } from './endorsement-key.ts';
export { kdfA, kdfE } from './kdf.ts';
export { publicName, qualifiedName, qualifiedNameOfPrimary } from './names.ts';
export type { CredentialCrypto } from './ports.ts';
export { policyDigest, type PolicyStep } from './policy.ts';
export { verifyQuote, type QuoteInput, type VerifiedQuote } from './quote.ts';
export { readPcrValues, type RunCommand } from './read-pcrs.ts';
export { describeResponseCode, responseCodeOf, TPM_RC, TpmResponseError } from './responses.ts';
export {
  commandInSessions,
  startSession,
  type AuthSession,
  type HandleNames,
  type SessionOptions,
  type SessionPorts,
  type SessionUse,
  type Use,
} from './session.ts';
export type { AttestationInput, AttestationPorts } from './signed.ts';
export { type AesCfb, type DecryptionScheme, type SigningScheme } from './structures/algorithms.ts';
export {
  clockInfo,
  encodeAttest,
  parseAttest,
  TPM_GENERATED,
  type AttestedInfo,
  type AttestKind,
  type ClockInfo,
  type ParsedAttest,
  type QuoteInfo,
} from './structures/attest.ts';
export { NV, nvName, parseNvPublic, type NvPublic } from './structures/nv.ts';
export { encodePcrSelections, knownBanks, type PcrBank, type PcrSelection } from './structures/pcr-selection.ts';
export {
  encodePublic,
  parsePublic,
  publicKeyOf,
  type EccPublicArea,
  type KeyedHashPublicArea,
  type ParsedPublic,
  type PublicArea,
  type RsaPublicArea,
} from './structures/public.ts';
export { encodeSignature, parseSignature, type ParsedSignature } from './structures/signature.ts';
export {
  AK_ECC_P256,
  AK_TEMPLATES,
  EK_ECC_P256,
  EK_RSA_2048,
  EK_TEMPLATES,
  sealedTemplate,
  SRK_ECC_P256,
  type AkTemplateName,
  type EkTemplate,
  type EkTemplateName,
} from './templates.ts';
export { encodeToolsPcrs } from './tools-pcrs.ts';
export { encodeSealedFile, parseSealedFile, type SealedFile } from './tss-key.ts';

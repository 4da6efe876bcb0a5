export { checkAttestationKey, type VerifiedAttestationKey } from './attestation-key.ts';
export { encode, record, sized, u16, u32, u8, type Codec, type Fields, type Values } from './codec.ts';
export * from './commands/index.ts';
export { MAX_MESSAGE, OBJECT, PCR_COUNT, TPM_ALG, TPM_HANDLE, TPM_SE, TPM_ST, TPM_SU } from './constants.ts';
export { credentialKeys, eccPoint, eccSeed, makeCredential, type Credential } from './credential.ts';
export { checkEndorsementKey, type VerifiedEndorsementKey } from './endorsement-key.ts';
export { kdfA, kdfE } from './kdf.ts';
export { publicName, qualifiedName, qualifiedNameOfPrimary } from './names.ts';
export type { CredentialCrypto } from './ports.ts';
export { pcrComposite, verifyQuote, type PcrValues, type QuoteInput, type VerifiedQuote } from './quote.ts';
export { readPcrValues, type RunCommand } from './read-pcrs.ts';
export { describeResponseCode, responseCodeOf, TPM_RC, TpmResponseError } from './responses.ts';
export { type AesCfb, type SigningScheme } from './structures/algorithms.ts';
export {
  clockInfo,
  encodeAttest,
  parseAttest,
  TPM_GENERATED,
  type ClockInfo,
  type OtherInfo,
  type ParsedAttest,
  type QuoteInfo,
} from './structures/attest.ts';
export { encodePcrSelections, knownBanks, type PcrBank, type PcrSelection } from './structures/pcr-selection.ts';
export {
  encodePublic,
  parsePublic,
  publicKeyOf,
  type EccPublicArea,
  type ParsedPublic,
  type PublicArea,
  type RsaPublicArea,
} from './structures/public.ts';
export { encodeSignature, parseSignature, type ParsedSignature } from './structures/signature.ts';
export { AK_ECC_P256, EK_ECC_P256, EK_RSA_2048 } from './templates.ts';

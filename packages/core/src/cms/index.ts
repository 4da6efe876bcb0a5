export { encodeSignedData, type SignedDataParameters } from './encode.ts';
export { LARGEST_SIGNED_DATA, parseSignedData } from './parse.ts';
export type { ParsedSignedData, SignedAttributes, SignerId } from './types.ts';
export {
  verifySignedData,
  type SignedDataPorts,
  type SignerCertificate,
  type VerifiedSignedData,
} from './verify.ts';

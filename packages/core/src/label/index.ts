export { digestLabel, encodeEvmLabel, encodeImaLabel } from './encode.ts';
export { parseEvmLabel, parseImaLabel } from './parse.ts';
export { signLabel, signLabelVersion1, type LabelSigner, type SignedForm, type Version1Signer } from './sign.ts';
export {
  LABEL_TYPES,
  type DigestLabel,
  type EvmLabel,
  type HmacLabel,
  type ImaLabel,
  type Parsed,
  type ParsedEvmLabel,
  type ParsedImaLabel,
  type SignatureLabel,
  type SignatureType,
  type SignatureV1Label,
} from './types.ts';
export {
  signedDigest,
  verifyDigestLabel,
  verifySignatureLabel,
  verifySignatureV1Label,
  version1Payload,
  type ComputedDigest,
  type LabelKey,
  type LabelPorts,
  type VerifiedLabel,
} from './verify.ts';
export { type MeasuredBuffer, type MeasuredKey, type Unreadable } from './measured-buffer.ts';
export { encodeModsig, findModsig, MODSIG_TRAILER_SIZE, verifyModsig, type ModsigPlace } from './modsig.ts';
export {
  measuredParts,
  type MeasuredModsig,
  type MeasuredParts,
  type MeasuredSignature,
  type MeasuredXattr,
  type MeasuredXattrs,
} from './measured.ts';

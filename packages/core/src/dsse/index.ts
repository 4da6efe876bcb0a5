export {
  encodeEnvelope,
  looksLikeEnvelope,
  parseEnvelope,
  preAuthEncoding,
  type EnvelopeSignature,
  type ParsedEnvelope,
} from './envelope.ts';

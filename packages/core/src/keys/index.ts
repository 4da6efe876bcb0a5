export { isOnCurve } from './curves.ts';
export {
  CURVE_SIZES,
  type Curve,
  type EccPublicKey,
  type EcdsaSignature,
  type PublicKey,
  type RsaPublicKey,
  type RsaSignature,
  type Signature,
  type SignatureVerifier,
} from './types.ts';

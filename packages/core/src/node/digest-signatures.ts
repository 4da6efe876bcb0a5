import { constants, createECDH, createHash, publicDecrypt } from 'node:crypto';
import { equalBytes } from '../bytes/index.ts';
import {
  addPoints,
  CURVE_SIZES,
  curveOrder,
  fromInteger,
  inverse,
  isOnCurve,
  pkcs1Block,
  pkcs1Encoding,
  reduced,
  toInteger,
  type DigestSignatureVerifier,
  type EccPublicKey,
  type EcdsaSignature,
  type RsaPublicKey,
} from '../keys/index.ts';
import { OPENSSL_CURVES } from './openssl-curves.ts';
import { keyObject, nodeSignatures } from './signatures.ts';

/**
 * Checks of signatures over a given digest by Node's OpenSSL: RSA PKCS#1 v1.5 and ECDSA. Node itself offers only
 * signatures over a message, so RSA compares the whole block that the public key gives back, and ECDSA moves the key.
 */
export const nodeDigestSignatures: DigestSignatureVerifier = {
  verifyDigest(key, signature, digest) {
    if (key.kind === 'ecc') return signature.scheme === 'ecdsa' && verifyEcdsa(key, signature, digest);
    if (signature.scheme !== 'rsassa') return false;
    return givesBlock(key, signature.value, pkcs1Encoding(signature.hash, digest, key.modulus.length));
  },
  verifyPayload(key, signature, payload) {
    return givesBlock(key, signature, pkcs1Block(payload, key.modulus.length));
  },
};

function givesBlock(key: RsaPublicKey, signature: Uint8Array, expected: Uint8Array | undefined): boolean {
  if (expected === undefined || signature.length !== key.modulus.length) return false;
  try {
    const block = publicDecrypt({ key: keyObject(key), padding: constants.RSA_NO_PADDING }, signature);
    return equalBytes(block, expected);
  } catch {
    return false; // OpenSSL throws for a value that is not below the modulus.
  }
}

function verifyEcdsa(key: EccPublicKey, signature: EcdsaSignature, digest: Uint8Array): boolean {
  const moved = isOnCurve(key) ? movedKey(key, signature, digest) : undefined;
  return moved !== undefined && nodeSignatures.verify(moved, { ...signature, hash: MOVED_HASH }, MOVED_MESSAGE);
}

const MOVED_HASH = 'sha256';
const MOVED_MESSAGE = new Uint8Array(0);
const MOVED_INTEGER = toInteger(createHash(MOVED_HASH).update(MOVED_MESSAGE).digest());

/**
 * The key under which the same (r, s) signs the message of which OpenSSL can compute the digest h: with
 * Q' = Q + ((z - h) / r) G, the point s⁻¹ (h G + r Q') that a check computes (SEC 1, section 4.1.4) is
 * s⁻¹ (z G + r Q), the one of the check of the digest z under Q. So one is good exactly if the other is.
 */
function movedKey(key: EccPublicKey, signature: EcdsaSignature, digest: Uint8Array): EccPublicKey | undefined {
  const order = curveOrder(key.curve);
  const r = toInteger(signature.r);
  if (r === 0n || r >= order) return undefined;
  // The leftmost bits, as many as the order has; of P-521, no digest has as many.
  const z = toInteger(digest.subarray(0, CURVE_SIZES[key.curve]));
  const factor = reduced((z - MOVED_INTEGER) * inverse(r, order), order);
  return factor === 0n ? key : addPoints(key, multipleOfBase(key, factor));
}

function multipleOfBase({ curve }: EccPublicKey, factor: bigint): EccPublicKey {
  const size = CURVE_SIZES[curve];
  const ecdh = createECDH(OPENSSL_CURVES[curve]);
  ecdh.setPrivateKey(fromInteger(factor, size));
  const point = ecdh.getPublicKey().subarray(1); // After the byte that says: uncompressed.
  return { kind: 'ecc', curve, x: point.subarray(0, size), y: point.subarray(size) };
}

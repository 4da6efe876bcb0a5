import { constants, createPublicKey, verify, type KeyObject } from 'node:crypto';
import { encodeEcdsaSignature, type PublicKey, type SignatureVerifier } from '../keys/index.ts';

/**
 * Older TPMs use the largest salt, newer ones the hash size (TPM 2.0 Part 1, annex B.7). Only this scheme needs options:
 * Node takes twice as long for a key among options as for the key itself, as it first tries the options as a key.
 */
const PSS = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO } as const;

const JWK_CURVES = { p256: 'P-256', p384: 'P-384', p521: 'P-521' } as const;

/** Signature checks by Node's OpenSSL. */
export const nodeSignatures: SignatureVerifier = {
  verify(key, signature, message) {
    if ((key.kind === 'ecc') !== (signature.scheme === 'ecdsa')) return false;
    try {
      const imported = keyObject(key);
      switch (signature.scheme) {
        case 'ecdsa':
          return verify(signature.hash, message, imported, encodeEcdsaSignature(signature));
        case 'rsassa':
          return verify(signature.hash, message, imported, signature.value);
        case 'rsapss':
          return verify(signature.hash, message, { key: imported, ...PSS }, signature.value);
      }
    } catch {
      return false; // OpenSSL throws for keys and signatures that no honest signer makes, such as a point off its curve.
    }
  },
};

/** Importing a key costs as much as a check. The bytes of a key must not change after its first use. */
const IMPORTED = new WeakMap<PublicKey, KeyObject>();

/** @throws Error from OpenSSL where the key is none, such as a point that is not on its curve. */
export function keyObject(key: PublicKey): KeyObject {
  const known = IMPORTED.get(key);
  if (known !== undefined) return known;
  const imported = importKey(key);
  IMPORTED.set(key, imported);
  return imported;
}

function importKey(key: PublicKey): KeyObject {
  const b64url = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64url');
  if (key.kind === 'ecc') {
    return createPublicKey({
      format: 'jwk',
      key: { kty: 'EC', crv: JWK_CURVES[key.curve], x: b64url(key.x), y: b64url(key.y) },
    });
  }
  const exponent = Buffer.from(key.exponent.toString(16).padStart(8, '0'), 'hex');
  return createPublicKey({ format: 'jwk', key: { kty: 'RSA', n: b64url(key.modulus), e: b64url(exponent) } });
}
